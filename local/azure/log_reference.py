"""Columns of the Log Analytics tables, as the Azure Monitor Logs table reference documents them."""

LOG_TABLES: dict[str, str] = {
    "AKSAudit": """
        Annotations:dynamic AuditId:string _BilledSize:real _IsBillable:string Level:string
        ObjectRef:dynamic PodName:string RequestObject:dynamic RequestReceivedTime:datetime
        RequestUri:string _ResourceId:string ResponseObject:dynamic ResponseStatus:dynamic SourceIps:dynamic
        SourceSystem:string Stage:string StageReceivedTime:datetime _SubscriptionId:string TenantId:string
        TimeGenerated:datetime Type:string User:dynamic UserAgent:string Verb:string
    """,
    "AKSControlPlane": """
        _BilledSize:real Category:string _IsBillable:string Level:string Message:string PodName:string
        _ResourceId:string SourceSystem:string Stream:string _SubscriptionId:string TenantId:string
        TimeGenerated:datetime Type:string
    """,
    "AzureActivity": """
        ActivityStatus:string ActivityStatusValue:string ActivitySubstatus:string
        ActivitySubstatusValue:string Authorization:string Authorization_d:dynamic _BilledSize:real
        Caller:string CallerIpAddress:string Category:string CategoryValue:string Claims:string
        Claims_d:dynamic CorrelationId:string EventDataId:string EventSubmissionTimestamp:datetime
        Hierarchy:string HTTPRequest:string _IsBillable:string Level:string OperationId:string
        OperationName:string OperationNameValue:string Properties:string Properties_d:dynamic
        Resource:string ResourceGroup:string ResourceId:string _ResourceId:string ResourceProvider:string
        ResourceProviderValue:string SourceSystem:string SubscriptionId:string _SubscriptionId:string
        TenantId:string TimeGenerated:datetime Type:string
    """,
    "AzureMetrics": """
        Average:real _BilledSize:real CallerIpAddress:string Category:string Confidence:string
        CorrelationId:string Count:real Description:string DurationMs:long FirstReportedDateTime:string
        IndicatorThreatType:string IsActive:string _IsBillable:string LastReportedDateTime:string
        MaliciousIP:string Maximum:real MetricName:string Minimum:real OperationName:string
        OperationVersion:string RemoteIPCountry:string RemoteIPLatitude:real RemoteIPLongitude:real
        Resource:string ResourceGroup:string ResourceId:string _ResourceId:string ResourceProvider:string
        ResultDescription:string ResultSignature:string ResultType:string Severity:int SourceSystem:string
        SubscriptionId:string _SubscriptionId:string TimeGenerated:datetime TimeGrain:string TLPLevel:string
        Total:real Type:string UnitName:string
    """,
    "ContainerInventory": """
        _BilledSize:real Command:string ComposeGroup:string Computer:string ContainerHostname:string
        ContainerID:string ContainerState:string CreatedTime:datetime EnvironmentVar:string ExitCode:int
        FinishedTime:datetime Image:string ImageID:string ImageTag:string _IsBillable:string Links:string
        Name:string Ports:string Repository:string _ResourceId:string SourceSystem:string
        StartedTime:datetime _SubscriptionId:string TimeGenerated:datetime Type:string
    """,
    "ContainerLogV2": """
        _BilledSize:real Computer:string ContainerId:string ContainerName:string _IsBillable:string
        KubernetesMetadata:dynamic LogLevel:string LogMessage:dynamic LogSource:string PodName:string
        PodNamespace:string _ResourceId:string SourceSystem:string _SubscriptionId:string TenantId:string
        TimeGenerated:datetime Type:string
    """,
    "ContainerNodeInventory": """
        _BilledSize:real Computer:string DockerVersion:string _IsBillable:string OperatingSystem:string
        _ResourceId:string SourceSystem:string _SubscriptionId:string TimeGenerated:datetime Type:string
    """,
    "ContainerRegistryLoginEvents": """
        _BilledSize:real CallerIpAddress:string Category:string CorrelationId:string DurationMs:string
        Identity:string _IsBillable:string JwtId:string LoginServer:string OperationName:string
        Region:string _ResourceId:string ResultDescription:string ResultType:string SourceSystem:string
        _SubscriptionId:string TenantId:string TimeGenerated:datetime Type:string UserAgent:string
    """,
    "ContainerRegistryRepositoryEvents": """
        ArtifactType:string _BilledSize:real CallerIpAddress:string Category:string CorrelationId:string
        Digest:string DurationMs:string Identity:string _IsBillable:string LoginServer:string
        MediaType:string OperationName:string Region:string Repository:string _ResourceId:string
        ResultDescription:string ResultType:string Size:int SourceSystem:string _SubscriptionId:string
        Tag:string TenantId:string TimeGenerated:datetime Type:string UserAgent:string UserTenantId:string
    """,
    "InsightsMetrics": """
        AgentId:string _BilledSize:real Computer:string _IsBillable:string Name:string Namespace:string
        Origin:string _ResourceId:string SourceSystem:string _SubscriptionId:string Tags:string
        TimeGenerated:datetime Type:string Val:real Value:string
    """,
    "KubeEvents": """
        _BilledSize:real ClusterId:string ClusterName:string Computer:string Count:real FirstSeen:datetime
        _IsBillable:string KubeEventType:string LastSeen:datetime Message:string Name:string
        Namespace:string ObjectKind:string Reason:string _ResourceId:string SourceComponent:string
        SourceSystem:string _SubscriptionId:string TimeGenerated:datetime Type:string
    """,
    "KubeNodeInventory": """
        _BilledSize:real ClusterId:string ClusterName:string Computer:string CreationTimeStamp:datetime
        DockerVersion:string _IsBillable:string KubeletVersion:string KubeProxyVersion:string
        KubernetesProviderID:string Labels:string LastTransitionTimeReady:datetime OperatingSystem:string
        _ResourceId:string SourceSystem:string Status:string _SubscriptionId:string TimeGenerated:datetime
        Type:string
    """,
    "KubePodInventory": """
        _BilledSize:real ClusterId:string ClusterName:string Computer:string
        ContainerCreationTimeStamp:datetime ContainerID:string ContainerLastStatus:string
        ContainerName:string ContainerRestartCount:int ContainerStartTime:datetime ContainerStatus:string
        ContainerStatusReason:string ControllerKind:string ControllerName:string InstanceName:string
        _IsBillable:string Name:string Namespace:string PodCreationTimeStamp:datetime PodIp:string
        PodLabel:string PodRestartCount:int PodStartTime:datetime PodStatus:string PodUid:string
        _ResourceId:string ServiceName:string SourceSystem:string _SubscriptionId:string
        TimeGenerated:datetime Type:string
    """,
}
LOG_TABLES["AKSAuditAdmin"] = LOG_TABLES["AKSAudit"]
