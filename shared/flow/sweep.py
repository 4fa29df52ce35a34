"""The screening: every pool at a glance, an assessment of every suspect."""

import logging

from shared.azure_ids import id_key, segment
from shared.collect.screening import screen
from shared.flow.jobs import ASSESSMENTS, Assessment, title
from shared.flow.wake import on_scale_set
from shared.model import Wake, encode
from shared.services import Services

log = logging.getLogger("pullwatch")


def sweep(services: Services) -> list[str]:
    """Screens the fleet, asks for an assessment of every suspect, and notices growth that no event told."""
    fleet = services.fleet(fresh=True)
    screened = screen(services.azure, fleet.pools, services.settings, services.clock())
    open_incidents = {(id_key(cluster), row.value.pool.lower()) for cluster, row in services.store.all_pools() if row.value.incident}
    asked = []
    for ref in fleet.pools:
        wake = Wake(kind="scale_set_written", cluster_id=ref.cluster_id, pool=ref.name, vmss_id=ref.vmss_id)
        if services.store.pool(ref.cluster_id, ref.name).value.capacity != ref.capacity:
            on_scale_set(services, wake)
        if ref.vmss_id in screened.suspects or (id_key(ref.cluster_id), ref.name.lower()) in open_incidents:
            services.enqueue(ASSESSMENTS, encode(Assessment(ref.cluster_id, ref.name, reason="suspect")))
            asked.append(title(ref.cluster_id, ref.name))
    log.info("screened %d pools, %d not seen, %d to assess", len(fleet.pools), len(screened.not_seen), len(asked))
    for vmss_id, why in screened.not_seen.items():
        log.warning("%s was not screened: %s", segment(vmss_id, "virtualMachineScaleSets"), why)
    return asked
