import pytest

from shared.azure_ids import node_name, require_cluster_id, same_id, segment
from shared.errors import Permanent

ID = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.ContainerService/managedClusters/prod"


def test_ids_are_the_same_whatever_their_case_and_trailing_slash() -> None:
    assert same_id(ID, ID.replace("resourceGroups", "resourcegroups").upper() + "/")


def test_a_segment_is_found_whatever_its_case() -> None:
    assert segment(ID, "resourcegroups") == "RG"
    assert segment(ID, "virtualMachineScaleSets") == ""
    assert segment("", "x") == ""


@pytest.mark.parametrize(("azure", "kubernetes"), [
    ("aks-apps-12345678-vmss_0", "aks-apps-12345678-vmss000000"),
    ("AKS-APPS-12345678-VMSS_10", "aks-apps-12345678-vmss00000a"),
    ("aks-apps-12345678-vmss_37", "aks-apps-12345678-vmss000011"),
    ("aks-apps-12345678-vmss00000A", "aks-apps-12345678-vmss00000a"),
    ("something-else", "something-else"),
])
def test_a_scale_set_instance_has_the_name_of_its_node(azure: str, kubernetes: str) -> None:
    assert node_name(azure) == kubernetes


def test_what_is_no_cluster_id_is_refused_with_the_form_it_should_have() -> None:
    assert require_cluster_id(ID + "/") == ID
    with pytest.raises(Permanent, match="managedClusters/NAME"):
        require_cluster_id("prod-weu")
