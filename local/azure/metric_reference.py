"""The platform metrics Azure documents for the resource types a cluster is made of.

Transcribed from "Supported metrics with Azure Monitor", one row a metric:
``name in REST | unit | aggregations | dimensions | finest time grain | display name | description``.
Where the page changed since, the newer text is followed: ``CPU Credits *`` have the ``VMName``
dimension, ``Available Memory Percentage`` exists.
"""

SUPPORTED_METRICS: dict[str, str] = {
    "microsoft.compute/virtualmachinescalesets": """
Available Memory Bytes | Bytes | Average | VMName | PT1M | Available Memory Bytes | Amount of physical memory, in bytes, immediately available for allocation to a process or for system use in the Virtual Machine.
Available Memory Percentage | Percent | Average | VMName | PT1M | Available Memory Percentage | Amount of available physical memory as a percentage of the total.
CPU Credits Consumed | Count | Average | VMName | PT1M | CPU Credits Consumed | Total number of credits consumed by the Virtual Machine. Only available on B-series burstable VMs.
CPU Credits Remaining | Count | Average | VMName | PT1M | CPU Credits Remaining | Total number of credits available to burst. Only available on B-series burstable VMs.
Data Disk Bandwidth Consumed Percentage | Percent | Average | LUN, VMName | PT1M | Data Disk Bandwidth Consumed Percentage | Percentage of data disk bandwidth consumed per minute. Only available on VM series that support premium storage.
Data Disk IOPS Consumed Percentage | Percent | Average | LUN, VMName | PT1M | Data Disk IOPS Consumed Percentage | Percentage of data disk I/Os consumed per minute. Only available on VM series that support premium storage.
Data Disk Latency | MilliSeconds | Average | LUN, VMName | PT1M | Data Disk Latency | Average time to complete each IO during monitoring period for Data Disk. Values are in milliseconds.
Data Disk Max Burst Bandwidth | Count | Average | LUN, VMName | PT1M | Data Disk Max Burst Bandwidth | Maximum bytes per second throughput Data Disk can achieve with bursting.
Data Disk Max Burst IOPS | Count | Average | LUN, VMName | PT1M | Data Disk Max Burst IOPS | Maximum IOPS Data Disk can achieve with bursting.
Data Disk Queue Depth | Count | Average | LUN, VMName | PT1M | Data Disk Queue Depth | Data Disk Queue Depth(or Queue Length).
Data Disk Read Bytes/sec | BytesPerSecond | Average | LUN, VMName | PT1M | Data Disk Read Bytes/Sec | Bytes/Sec read from a single disk during monitoring period.
Data Disk Read Operations/Sec | CountPerSecond | Average | LUN, VMName | PT1M | Data Disk Read Operations/Sec | Read IOPS from a single disk during monitoring period.
Data Disk Target Bandwidth | Count | Average | LUN, VMName | PT1M | Data Disk Target Bandwidth | Baseline bytes per second throughput Data Disk can achieve without bursting.
Data Disk Target IOPS | Count | Average | LUN, VMName | PT1M | Data Disk Target IOPS | Baseline IOPS Data Disk can achieve without bursting.
Data Disk Used Burst BPS Credits Percentage | Percent | Average | LUN, VMName | PT1M | Data Disk Used Burst BPS Credits Percentage | Percentage of Data Disk burst bandwidth credits used so far.
Data Disk Used Burst IO Credits Percentage | Percent | Average | LUN, VMName | PT1M | Data Disk Used Burst IO Credits Percentage | Percentage of Data Disk burst I/O credits used so far.
Data Disk Write Bytes/sec | BytesPerSecond | Average | LUN, VMName | PT1M | Data Disk Write Bytes/Sec | Bytes/Sec written to a single disk during monitoring period.
Data Disk Write Operations/Sec | CountPerSecond | Average | LUN, VMName | PT1M | Data Disk Write Operations/Sec | Write IOPS from a single disk during monitoring period.
Disk Read Bytes | Bytes | Total | VMName | PT1M | Disk Read Bytes | Bytes read from disk during monitoring period.
Disk Read Operations/Sec | CountPerSecond | Average | VMName | PT1M | Disk Read Operations/Sec | Disk Read IOPS.
Disk Write Bytes | Bytes | Total | VMName | PT1M | Disk Write Bytes | Bytes written to disk during monitoring period.
Disk Write Operations/Sec | CountPerSecond | Average | VMName | PT1M | Disk Write Operations/Sec | Disk Write IOPS.
Inbound Flows | Count | Average | VMName | PT1M | Inbound Flows | Inbound Flows are number of current flows in the inbound direction (traffic going into the VM).
Inbound Flows Maximum Creation Rate | CountPerSecond | Average | VMName | PT1M | Inbound Flows Maximum Creation Rate | The maximum creation rate of inbound flows (traffic going into the VM).
Network In | Bytes | Total | VMName | PT1M | Network In Billable (Deprecated) | The number of billable bytes received on all network interfaces by the Virtual Machine(s) (Incoming Traffic) (Deprecated).
Network In Total | Bytes | Total | VMName | PT1M | Network In Total | The number of bytes received on all network interfaces by the Virtual Machine(s) (Incoming Traffic).
Network Out | Bytes | Total | VMName | PT1M | Network Out Billable (Deprecated) | The number of billable bytes out on all network interfaces by the Virtual Machine(s) (Outgoing Traffic) (Deprecated).
Network Out Total | Bytes | Total | VMName | PT1M | Network Out Total | The number of bytes out on all network interfaces by the Virtual Machine(s) (Outgoing Traffic).
OS Disk Bandwidth Consumed Percentage | Percent | Average | LUN, VMName | PT1M | OS Disk Bandwidth Consumed Percentage | Percentage of operating system disk bandwidth consumed per minute. Only available on VM series that support premium storage.
OS Disk IOPS Consumed Percentage | Percent | Average | LUN, VMName | PT1M | OS Disk IOPS Consumed Percentage | Percentage of operating system disk I/Os consumed per minute. Only available on VM series that support premium storage.
OS Disk Latency | MilliSeconds | Average | VMName | PT1M | OS Disk Latency | Average time to complete each IO during monitoring period for OS Disk. Values are in milliseconds.
OS Disk Max Burst Bandwidth | Count | Average | LUN, VMName | PT1M | OS Disk Max Burst Bandwidth | Maximum bytes per second throughput OS Disk can achieve with bursting.
OS Disk Max Burst IOPS | Count | Average | LUN, VMName | PT1M | OS Disk Max Burst IOPS | Maximum IOPS OS Disk can achieve with bursting.
OS Disk Queue Depth | Count | Average | VMName | PT1M | OS Disk Queue Depth | OS Disk Queue Depth(or Queue Length).
OS Disk Read Bytes/sec | BytesPerSecond | Average | VMName | PT1M | OS Disk Read Bytes/Sec | Bytes/Sec read from a single disk during monitoring period for OS disk.
OS Disk Read Operations/Sec | CountPerSecond | Average | VMName | PT1M | OS Disk Read Operations/Sec | Read IOPS from a single disk during monitoring period for OS disk.
OS Disk Target Bandwidth | Count | Average | LUN, VMName | PT1M | OS Disk Target Bandwidth | Baseline bytes per second throughput OS Disk can achieve without bursting.
OS Disk Target IOPS | Count | Average | LUN, VMName | PT1M | OS Disk Target IOPS | Baseline IOPS OS Disk can achieve without bursting.
OS Disk Used Burst BPS Credits Percentage | Percent | Average | LUN, VMName | PT1M | OS Disk Used Burst BPS Credits Percentage | Percentage of OS Disk burst bandwidth credits used so far.
OS Disk Used Burst IO Credits Percentage | Percent | Average | LUN, VMName | PT1M | OS Disk Used Burst IO Credits Percentage | Percentage of OS Disk burst I/O credits used so far.
OS Disk Write Bytes/sec | BytesPerSecond | Average | VMName | PT1M | OS Disk Write Bytes/Sec | Bytes/Sec written to a single disk during monitoring period for OS disk.
OS Disk Write Operations/Sec | CountPerSecond | Average | VMName | PT1M | OS Disk Write Operations/Sec | Write IOPS from a single disk during monitoring period for OS disk.
Outbound Flows | Count | Average | VMName | PT1M | Outbound Flows | Outbound Flows are number of current flows in the outbound direction (traffic going out of the VM).
Outbound Flows Maximum Creation Rate | CountPerSecond | Average | VMName | PT1M | Outbound Flows Maximum Creation Rate | The maximum creation rate of outbound flows (traffic going out of the VM).
Percentage CPU | Percent | Average | VMName | PT1M | Percentage CPU | The percentage of allocated compute units that are currently in use by the Virtual Machine(s).
Premium Data Disk Cache Read Hit | Percent | Average | LUN, VMName | PT1M | Premium Data Disk Cache Read Hit
Premium Data Disk Cache Read Miss | Percent | Average | LUN, VMName | PT1M | Premium Data Disk Cache Read Miss
Premium OS Disk Cache Read Hit | Percent | Average | VMName | PT1M | Premium OS Disk Cache Read Hit
Premium OS Disk Cache Read Miss | Percent | Average | VMName | PT1M | Premium OS Disk Cache Read Miss
Temp Disk Latency | MilliSeconds | Average | VMName | PT1M | Temp Disk Latency | Average time to complete each IO during monitoring period for Temp Disk. Values are in milliseconds.
Temp Disk Queue Depth | Count | Average | VMName | PT1M | Temp Disk Queue Depth | Temp Disk Queue Depth(or Queue Length).
Temp Disk Read Bytes/sec | BytesPerSecond | Average | VMName | PT1M | Temp Disk Read Bytes/Sec | Bytes/Sec read from a single disk during monitoring period for Temp Disk.
Temp Disk Read Operations/Sec | CountPerSecond | Average | VMName | PT1M | Temp Disk Read Operations/Sec | Read IOPS from a single disk during monitoring period for Temp Disk.
Temp Disk Write Bytes/sec | BytesPerSecond | Average | VMName | PT1M | Temp Disk Write Bytes/Sec | Bytes/Sec written to a single disk during monitoring period for Temp Disk.
Temp Disk Write Operations/Sec | CountPerSecond | Average | VMName | PT1M | Temp Disk Write Operations/Sec | Write IOPS from a single disk during monitoring period for Temp Disk.
VM Cached Bandwidth Consumed Percentage | Percent | Average | VMName | PT1M | VM Cached Bandwidth Consumed Percentage | Percentage of cached disk bandwidth consumed by the VM. Only available on VM series that support premium storage.
VM Cached IOPS Consumed Percentage | Percent | Average | VMName | PT1M | VM Cached IOPS Consumed Percentage | Percentage of cached disk IOPS consumed by the VM. Only available on VM series that support premium storage.
VM Local Used Burst BPS Credits Percentage | Percent | Average, Minimum, Maximum | VMName | PT1M | VM Cached Used Burst BPS Credits Percentage | Percentage of Cached Burst BPS Credits used by the VM.
VM Local Used Burst IO Credits Percentage | Percent | Average, Minimum, Maximum | VMName | PT1M | VM Cached Used Burst IO Credits Percentage | Percentage of Cached Burst IO Credits used by the VM.
VM Remote Used Burst BPS Credits Percentage | Percent | Average, Minimum, Maximum | VMName | PT1M | VM Uncached Used Burst BPS Credits Percentage | Percentage of Uncached Burst BPS Credits used by the VM.
VM Remote Used Burst IO Credits Percentage | Percent | Average, Minimum, Maximum | VMName | PT1M | VM Uncached Used Burst IO Credits Percentage | Percentage of Uncached Burst IO Credits used by the VM.
VM Uncached Bandwidth Consumed Percentage | Percent | Average | VMName | PT1M | VM Uncached Bandwidth Consumed Percentage | Percentage of uncached disk bandwidth consumed by the VM. Only available on VM series that support premium storage.
VM Uncached IOPS Consumed Percentage | Percent | Average | VMName | PT1M | VM Uncached IOPS Consumed Percentage | Percentage of uncached disk IOPS consumed by the VM. Only available on VM series that support premium storage.
VmAvailabilityMetric | Count | Average, Minimum, Maximum | VMName | PT1M | VM Availability Metric | Measure of Availability of Virtual machines over time.
""",
    "microsoft.containerregistry/registries": """
AgentPoolCPUTime | Seconds | Total | - | PT1M | AgentPool CPU Time | AgentPool CPU Time in seconds.
RunDuration | MilliSeconds | Total | - | PT1M | Run Duration | Run Duration in milliseconds.
StorageUsed | Bytes | Average | Geolocation | PT1H | Storage used | The amount of storage used by the container registry. For a registry account, it's the sum of capacity used by all the repositories within a registry. It's sum of capacity used by shared layers, manifest files, and replica copies in each of its repositories.
SuccessfulPullCount | Count | Total | - | PT1M | Successful Pull Count | Number of successful image pulls.
SuccessfulPushCount | Count | Total | - | PT1M | Successful Push Count | Number of successful image pushes.
TotalPullCount | Count | Total | - | PT1M | Total Pull Count | Number of image pulls in total.
TotalPushCount | Count | Total | - | PT1M | Total Push Count | Number of image pushes in total.
""",
    "microsoft.network/loadbalancers": """
AllocatedSnatPorts | Count | Average | FrontendIPAddress, BackendIPAddress, ProtocolType, IsAwaitingRemoval | PT1M | Allocated SNAT Ports | Total number of SNAT ports allocated within time period.
ByteCount | Bytes | Total | FrontendIPAddress, FrontendPort, Direction | PT1M | Byte Count | Total number of Bytes transmitted within time period.
DipAvailability | Count | Average | ProtocolType, BackendPort, FrontendIPAddress, FrontendPort, BackendIPAddress | PT1M | Health Probe Status | Average Load Balancer health probe status per time duration.
GlobalBackendAvailability | Count | Average | FrontendIPAddress, FrontendPort, BackendIPAddress, ProtocolType, FrontendRegion, BackendRegion | PT1M | Health Probe Status | Azure Cross-region Load Balancer backend health and status per time duration.
PacketCount | Count | Total | FrontendIPAddress, FrontendPort, Direction | PT1M | Packet Count | Total number of Packets transmitted within time period.
SnatConnectionCount | Count | Total | FrontendIPAddress, BackendIPAddress, ConnectionState | PT1M | SNAT Connection Count | Total number of new SNAT connections created within time period.
SYNCount | Count | Total | FrontendIPAddress, FrontendPort, Direction | PT1M | SYN Count | Total number of SYN Packets transmitted within time period.
UsedSnatPorts | Count | Average | FrontendIPAddress, BackendIPAddress, ProtocolType, IsAwaitingRemoval | PT1M | Used SNAT Ports | Total number of SNAT ports used within time period.
VipAvailability | Count | Average | FrontendIPAddress, FrontendPort | PT1M | Data Path Availability | Average Load Balancer data path availability per time duration.
""",
    "microsoft.network/natgateways": """
ByteCount | Bytes | Total | Protocol, Direction | PT1M | Bytes | Total number of Bytes transmitted within time period.
DatapathAvailability | Count | Average | - | PT1M | Datapath Availability | NAT Gateway Datapath Availability.
PacketCount | Count | Total | Protocol, Direction | PT1M | Packets | Total number of Packets transmitted within time period.
PacketDropCount | Count | Total | - | PT1M | Dropped Packets | Count of dropped packets.
SNATConnectionCount | Count | Total | Protocol, ConnectionState | PT1M | SNAT Connection Count | Total concurrent active connections.
TotalConnectionCount | Count | Total | Protocol | PT1M | Total SNAT Connection Count | Total number of active SNAT connections.
""",
    "microsoft.network/azurefirewalls": """
ApplicationRuleHit | Count | Total | Status, Reason, Protocol | PT1M | Application rules hit count | Number of times Application rules were hit.
DataProcessed | Bytes | Total | - | PT1M | Data processed | Total amount of data processed by this firewall.
FirewallHealth | Percent | Average | Status, Reason | PT1M | Firewall health state | Indicates the overall health of this firewall.
FirewallLatencyPng | MilliSeconds | Average | - | PT1M | Latency Probe | Estimate of the average latency of the Firewall as measured by latency probe.
NetworkRuleHit | Count | Total | Status, Reason, Protocol | PT1M | Network rules hit count | Number of times Network rules were hit.
SNATPortUtilization | Percent | Average, Maximum | Protocol | PT1M | SNAT port utilization | Percentage of outbound SNAT ports currently in use.
Throughput | BitsPerSecond | Average | - | PT1M | Throughput | Throughput processed by this firewall.
""",
    "microsoft.network/privateendpoints": """
PEBytesIn | Count | Total | - | PT1M | Bytes In | Total number of Bytes In.
PEBytesOut | Count | Total | - | PT1M | Bytes Out | Total number of Bytes Out.
""",
    "microsoft.containerservice/managedclusters": """
apiserver_cpu_usage_percentage | Percent | Maximum, Average | - | PT1M | apiserver cpu usage percentage
apiserver_memory_usage_percentage | Percent | Maximum, Average | - | PT1M | apiserver memory usage percentage
apiserver_current_inflight_requests | Count | Total, Average | requestKind | PT1M | apiserver current inflight requests
cluster_autoscaler_cluster_safe_to_autoscale | Count | Total, Average | - | PT5M | cluster autoscaler cluster safe to autoscale
cluster_autoscaler_scale_down_in_cooldown | Count | Total, Average | - | PT5M | cluster autoscaler scale down in cooldown
cluster_autoscaler_unneeded_nodes_count | Count | Total, Average | - | PT5M | cluster autoscaler unneeded nodes count
cluster_autoscaler_unschedulable_pods_count | Count | Total, Average | - | PT5M | cluster autoscaler unschedulable pods count
etcd_cpu_usage_percentage | Percent | Maximum, Average | partition | PT1M | etcd cpu usage percentage
etcd_memory_usage_percentage | Percent | Maximum, Average | partition | PT1M | etcd memory usage percentage
etcd_database_usage_percentage | Percent | Maximum, Average | partition | PT1M | etcd database usage percentage
kube_node_status_allocatable_cpu_cores | Count | Total, Average | - | PT1M | kube node status allocatable cpu cores
kube_node_status_allocatable_memory_bytes | Bytes | Total, Average | - | PT1M | kube node status allocatable memory bytes
kube_node_status_condition | Count | Total, Average | condition, status, status2, node | PT1M | kube node status condition
kube_pod_status_phase | Count | Total, Average | phase, namespace, pod | PT1M | kube pod status phase
kube_pod_status_ready | Count | Total, Average | namespace, pod, condition | PT1M | kube pod status ready
node_cpu_usage_millicores | MilliCores | Maximum, Average | node, nodepool | PT1M | node cpu usage millicores
node_cpu_usage_percentage | Percent | Maximum, Average | node, nodepool | PT1M | node cpu usage percentage
node_disk_usage_bytes | Bytes | Maximum, Average | node, nodepool, device | PT1M | node disk usage bytes
node_disk_usage_percentage | Percent | Maximum, Average | node, nodepool, device | PT1M | node disk usage percentage
node_memory_rss_bytes | Bytes | Maximum, Average | node, nodepool | PT1M | node memory rss bytes
node_memory_working_set_bytes | Bytes | Maximum, Average | node, nodepool | PT1M | node memory working set bytes
node_network_in_bytes | Bytes | Maximum, Average | node, nodepool | PT1M | node network in bytes
node_network_out_bytes | Bytes | Maximum, Average | node, nodepool | PT1M | node network out bytes
node_memory_rss_percentage | Percent | Maximum, Average | node, nodepool | PT1M | node memory rss percentage
node_memory_working_set_percentage | Percent | Maximum, Average | node, nodepool | PT1M | node memory working set percentage
""",
}
