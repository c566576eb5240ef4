//! Profiles as the runtime writes them: a JSON array of events in Chrome's format, of which those of category `Node`
//! tell when a kernel ran, for how long, and on what.

use super::job::{NodeRun, Profile, Typed};
use crate::tensor::DType;
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads a profile of some runs of one session.
pub(super) fn read(text: &str) -> Option<Profile> {
    let events: Vec<Value> = serde_json::from_str(text).ok()?;
    let runs = events.iter().filter(|event| event["name"] == "model_run").filter_map(seconds);
    let seconds = runs.min_by(f64::total_cmp)?;
    let mut nodes: Vec<NodeRun> = Vec::new();
    let mut places: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for run in events.iter().filter_map(node) {
        match places.get(&(run.index, run.name.clone())).and_then(|place| nodes.get_mut(*place)) {
            Some(known) => known.seconds = known.seconds.min(run.seconds),
            None => {
                places.insert((run.index, run.name.clone()), nodes.len());
                nodes.push(run);
            }
        }
    }
    Some(Profile { seconds, nodes, arena: None, device: None })
}

/// The time of an event. The runtime cuts it to whole microseconds: the next one is never too short.
fn seconds(event: &Value) -> Option<f64> {
    let micros = event["dur"].as_u64().and_then(|n| u32::try_from(n).ok())?;
    Some((f64::from(micros) + 1.0) / 1e6)
}

fn node(event: &Value) -> Option<NodeRun> {
    let name = event["name"].as_str().filter(|_| event["cat"] == "Node")?.strip_suffix("_kernel_time")?;
    let arguments = &event["args"];
    let inputs = arguments["input_type_shape"].as_array().into_iter().flatten();
    Some(NodeRun {
        index: arguments["node_index"].as_str()?.parse().ok()?,
        name: name.into(),
        op: arguments["op_name"].as_str()?.into(),
        provider: arguments["provider"].as_str()?.into(),
        seconds: seconds(event)?,
        inputs: inputs.filter_map(typed).collect(),
    })
}

/// `{"float": [1, 3, 224, 224]}`.
fn typed(value: &Value) -> Option<Typed> {
    let (dtype, dims) = value.as_object()?.iter().next()?;
    Some(Typed { dtype: element_type(dtype), dims: dims.as_array()?.iter().filter_map(Value::as_i64).collect() })
}

/// The runtime's name of an element type as ours.
pub(super) fn element_type(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "");
    // Types of less than a byte are named after what a byte holds: two of four bits, four of two.
    let name = name.strip_suffix("x2").or(name.strip_suffix("x4")).unwrap_or(&name);
    match DType::from_name(name) {
        Some(dtype) => dtype.name().into(),
        None => name.replacen("int", "i", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two runs of a convolution, as ONNX Runtime 1.32 writes them (shortened).
    #[test]
    fn the_quickest_run_of_a_node_counts() {
        let event = |micros: u32| {
            format!(
                r#"{{"cat":"Node","dur":{micros},"name":"c_kernel_time","args":{{"provider":"CPUExecutionProvider",
                "op_name":"Conv","node_index":"3","input_type_shape":[{{"float":[1,3,8,8]}},{{"uint8":[4]}}]}}}}"#
            )
        };
        let run = |micros: u32| format!(r#"{{"cat":"Session","dur":{micros},"name":"model_run","args":{{}}}}"#);
        let text = format!("[{},{},{},{}]", event(124), run(278), event(7), run(99));
        let profile = read(&text).unwrap();
        assert!((profile.seconds - 100e-6).abs() < 1e-9);
        let [node] = &*profile.nodes else { panic!("{profile:?}") };
        assert!((node.seconds - 8e-6).abs() < 1e-9);
        assert_eq!((node.index, &*node.op), (3, "Conv"));
        let types: Vec<_> = node.inputs.iter().map(|t| (&*t.dtype, &*t.dims)).collect();
        assert_eq!(types, [("f32", &[1i64, 3, 8, 8][..]), ("u8", &[4][..])]);
    }

    #[test]
    fn element_types_have_our_names() {
        let ours = ["float", "int64", "uint8", "Int4x2", "bfloat16", "String", "f8_e4m3fn", "bool"].map(element_type);
        assert_eq!(ours, ["f32", "i64", "u8", "i4", "bf16", "string", "f8e4m3fn", "bool"]);
    }
}
