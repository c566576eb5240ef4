//! Numbers of the fields that are written or replaced, as `grammar/onnx.proto` and ONNX's own definition have them.

pub(super) const MODEL_IR_VERSION: u32 = 1;
pub(super) const MODEL_PRODUCER_NAME: u32 = 2;
pub(super) const MODEL_PRODUCER_VERSION: u32 = 3;
pub(super) const MODEL_GRAPH: u32 = 7;
pub(super) const MODEL_OPSET_IMPORT: u32 = 8;
pub(super) const MODEL_FUNCTION: u32 = 25;

pub(super) const FUNCTION_NAME: u32 = 1;
pub(super) const FUNCTION_INPUT: u32 = 4;
pub(super) const FUNCTION_OUTPUT: u32 = 5;
pub(super) const FUNCTION_ATTRIBUTE: u32 = 6;
pub(super) const FUNCTION_NODE: u32 = 7;
pub(super) const FUNCTION_OPSET_IMPORT: u32 = 9;
pub(super) const FUNCTION_DOMAIN: u32 = 10;
pub(super) const FUNCTION_VALUE_INFO: u32 = 12;

pub(super) const GRAPH_NODE: u32 = 1;
pub(super) const GRAPH_NAME: u32 = 2;
pub(super) const GRAPH_INITIALIZER: u32 = 5;
pub(super) const GRAPH_INPUT: u32 = 11;
pub(super) const GRAPH_OUTPUT: u32 = 12;
pub(super) const GRAPH_VALUE_INFO: u32 = 13;
pub(super) const GRAPH_SPARSE_INITIALIZER: u32 = 15;

pub(super) const NODE_INPUT: u32 = 1;
pub(super) const NODE_OUTPUT: u32 = 2;
pub(super) const NODE_OP_TYPE: u32 = 4;
pub(super) const NODE_ATTRIBUTE: u32 = 5;

pub(super) const ATTRIBUTE_T: u32 = 5;
pub(super) const ATTRIBUTE_G: u32 = 6;
pub(super) const ATTRIBUTE_GRAPHS: u32 = 11;
pub(super) const ATTRIBUTE_SPARSE_TENSOR: u32 = 22;

pub(super) const TENSOR_NAME: u32 = 8;
pub(super) const TENSOR_RAW_DATA: u32 = 9;
/// 1 if another file has the contents.
pub(super) const TENSOR_DATA_LOCATION: u32 = 14;
/// Contents in every form: a segment of them, numbers by type, bytes, and where another file has them.
pub(super) const TENSOR_CONTENTS: [u32; 10] = [3, 4, 5, 6, 7, 9, 10, 11, 13, 14];

pub(super) const SPARSE_VALUES: u32 = 1;
pub(super) const SPARSE_INDICES: u32 = 2;

pub(super) const INFO_NAME: u32 = 1;
pub(super) const INFO_TYPE: u32 = 2;
