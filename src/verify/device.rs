//! What models run on.

use serde::{Deserialize, Serialize};

/// A choice of device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// A graphics processor that works, or else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(u16),
    /// Any GPU, through the WebGPU plug-in.
    Webgpu,
}

impl Device {
    /// Reads `auto`, `cpu`, `cuda`, `cuda:1` or `webgpu`.
    pub fn read(text: &str) -> Result<Device, String> {
        match text {
            "auto" => Ok(Device::Auto),
            "cpu" => Ok(Device::Cpu),
            "cuda" => Ok(Device::Cuda(0)),
            "webgpu" => Ok(Device::Webgpu),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(number)) => Ok(Device::Cuda(number)),
                _ => Err("a device is wanted: auto, cpu, cuda, cuda:1 or webgpu".into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn devices_have_numbers() {
        assert_eq!(Device::read("cuda:3"), Ok(Device::Cuda(3)));
        assert_eq!(Device::read("cuda"), Ok(Device::Cuda(0)));
        assert!(Device::read("cuda:-1").is_err() && Device::read("gpu").is_err());
    }
}
