"""The gRPC messages between Azure's host and the Python worker, as real protobuf classes.

The worker library takes these classes as an object and never imports them, and no package on PyPI
has them in a current version. They are built here from a table of names, so that an unknown field
or a wrong type fails as it does in Azure. Field numbers are arbitrary: nothing leaves the process.
Names and types are those of FunctionRpc.proto (azure-functions-language-worker-protobuf).
"""

import functools
from types import SimpleNamespace

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

PACKAGE = "pullwatch_local_host"

# One message a paragraph; "TYPE name", "repeated TYPE name", "map TYPE name" (keys are strings), "ONEOF: TYPE name".
SCHEMA = """
message NullableString
  string: string value
message NullableDouble
  double: double value
message NullableBool
  bool: bool value
message NullableTimestamp
  timestamp: google.protobuf.Timestamp value

message RpcException
  string source
  string stack_trace
  string message
  bool is_user_exception
  string type
message StatusResult
  enum Status Failure Success Cancelled
  Status status
  string result
  RpcException exception

message WorkerMetadata
  string runtime_name
  string runtime_version
  string worker_version
  string worker_bitness
  map string custom_properties
message WorkerInitRequest
  string host_version
  map string capabilities
  string worker_directory
  string function_app_directory
message WorkerInitResponse
  string worker_version
  map string capabilities
  StatusResult result
  WorkerMetadata worker_metadata

message BindingInfo
  enum Direction in out inout
  enum DataType undefined string binary stream
  string type
  Direction direction
  DataType data_type
  map string properties
message RpcRetryOptions
  enum RetryStrategy exponential_backoff fixed_delay
  int32 max_retry_count
  google.protobuf.Duration delay_interval
  google.protobuf.Duration minimum_interval
  google.protobuf.Duration maximum_interval
  RetryStrategy retry_strategy
message RpcFunctionMetadata
  string name
  string directory
  string script_file
  string entry_point
  map BindingInfo bindings
  bool is_proxy
  StatusResult status
  string language
  repeated string raw_bindings
  string function_id
  bool managed_dependency_enabled
  RpcRetryOptions retry_options
  map string properties
message FunctionsMetadataRequest
  string function_app_directory
message FunctionMetadataResponse
  repeated RpcFunctionMetadata function_metadata_results
  StatusResult result
  bool use_default_metadata_indexing
message FunctionLoadRequest
  string function_id
  RpcFunctionMetadata metadata
  bool managed_dependency_enabled
message FunctionLoadResponse
  string function_id
  StatusResult result

message RpcHttpCookie
  enum SameSite None Lax Strict ExplicitNone
  string name
  string value
  NullableString domain
  NullableString path
  NullableTimestamp expires
  NullableBool secure
  NullableBool http_only
  SameSite same_site
  NullableDouble max_age
message RpcHttp
  string method
  string url
  map string headers
  TypedData body
  map string params
  string status_code
  map string query
  bool enable_content_negotiation
  TypedData rawBody
  repeated RpcHttpCookie cookies
message CollectionString
  repeated string string
message CollectionBytes
  repeated bytes bytes
message CollectionSInt64
  repeated int64 sint64
message TypedData
  data: string string
  data: string json
  data: bytes bytes
  data: bytes stream
  data: RpcHttp http
  data: int64 int
  data: double double
  data: CollectionBytes collection_bytes
  data: CollectionString collection_string
  data: CollectionSInt64 collection_sint64
message ParameterBinding
  string name
  rpc_data: TypedData data

message RpcTraceContext
  string trace_parent
  string trace_state
  map string attributes
message RetryContext
  int32 retry_count
  int32 max_retry_count
  RpcException exception
message InvocationRequest
  string invocation_id
  string function_id
  repeated ParameterBinding input_data
  map TypedData trigger_metadata
  RpcTraceContext trace_context
  RetryContext retry_context
message InvocationResponse
  string invocation_id
  repeated ParameterBinding output_data
  TypedData return_value
  StatusResult result
"""

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Field.TYPE_STRING, "bytes": _Field.TYPE_BYTES, "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32, "int64": _Field.TYPE_INT64, "double": _Field.TYPE_DOUBLE,
}


@functools.cache
def protos() -> SimpleNamespace:
    """The message classes, by name. Made once: protobuf knows a name only once in a process."""
    file = _file()
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return SimpleNamespace(**{
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{message.name}"))
        for message in file.message_type
    })


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{PACKAGE}.proto", package=PACKAGE, syntax="proto3",
        dependency=[duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name],
    )
    message = descriptor_pb2.DescriptorProto()
    for line in filter(None, SCHEMA.splitlines()):
        match line.split():
            case ["message", name]:
                message = file.message_type.add(name=name)
            case ["enum", name, *values]:
                _add_enum(message, name, values)
            case ["repeated", kind, name]:
                _add_field(message, name, kind).label = _Field.LABEL_REPEATED
            case ["map", kind, name]:
                _add_map(message, name, kind)
            case [oneof, kind, name]:
                _add_field(message, name, kind).oneof_index = _oneof_index(message, oneof.removesuffix(":"))
            case [kind, name]:
                _add_field(message, name, kind)
    return file


def _add_enum(message: descriptor_pb2.DescriptorProto, name: str, values: list[str]) -> None:
    enum = message.enum_type.add(name=name)
    for number, value in enumerate(values):
        enum.value.add(name=value, number=number)


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, kind: str) -> descriptor_pb2.FieldDescriptorProto:
    field = message.field.add(name=name, number=len(message.field) + 1, label=_Field.LABEL_OPTIONAL)
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    elif kind in {enum.name for enum in message.enum_type}:
        field.type = _Field.TYPE_ENUM
        field.type_name = f".{PACKAGE}.{message.name}.{kind}"
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{kind}" if "." in kind else f".{PACKAGE}.{kind}"
    return field


def _add_map(message: descriptor_pb2.DescriptorProto, name: str, kind: str) -> None:
    """A map is, in a descriptor, a repeated nested message with fields ``key`` and ``value``."""
    entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
    entry.options.map_entry = True
    _add_field(entry, "key", "string")
    _add_field(entry, "value", kind)
    field = _add_field(message, name, f"{PACKAGE}.{message.name}.{entry.name}")
    field.label = _Field.LABEL_REPEATED


def _oneof_index(message: descriptor_pb2.DescriptorProto, name: str) -> int:
    names = [oneof.name for oneof in message.oneof_decl]
    if name not in names:
        message.oneof_decl.add(name=name)
        return len(names)
    return names.index(name)
