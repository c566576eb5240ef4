//! The runtime itself: loading its library, and sessions of it. Everything here runs in the process that is made for it.

use super::device::Device;
use super::discover;
use super::job::{Candidate, Event, Library, Tried, Using};
use super::worker::one_line;
use ort::LoadDynamicError;
use ort::environment::Environment;
use ort::ep::{CUDA, ExecutionProvider};
use ort::memory::AllocationDevice;
use ort::session::Session;
use ort::session::builder::{AutoDevicePolicy, GraphOptimizationLevel, SessionBuilder};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A library that is loaded, and what models run on.
pub(super) struct Runtime {
    pub(super) environment: Environment,
    device: Chosen,
    /// Where data lies that models keep in other files.
    folder: Option<String>,
}

/// A library that is loaded.
pub(super) struct Loaded {
    environment: Environment,
    path: PathBuf,
}

/// What sessions are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Cpu,
    Cuda(u16),
    Webgpu,
}

/// The name of the WebGPU plug-in's provider.
const WEBGPU: &str = "WebGpuExecutionProvider";

/// Loads the first library that can be loaded. No other call to the runtime may come before: it would load a library of
/// its own choice, or panic.
pub(super) fn load(libraries: &[Candidate], say: &mut dyn FnMut(Event)) -> Option<Loaded> {
    for candidate in libraries {
        say(Event::Trying(candidate.path.clone()));
        let failed = |why: String| Event::Failed(Tried { candidate: candidate.clone(), why });
        // The loader's own message for a missing file is hard to read.
        if candidate.path.is_absolute() && !candidate.path.exists() {
            say(failed("there is no such file".into()));
            continue;
        }
        let built = match ort::init_from(&candidate.path) {
            // What the runtime has to say comes back in errors; its log is for its own developers.
            Ok(builder) => builder.with_telemetry(false).with_logger(Arc::new(|_, _, _, _, _| {})).build(),
            Err(error) => {
                say(failed(unloadable(&error)));
                continue;
            }
        };
        match built {
            Ok(environment) => {
                say(Event::Loaded(library(candidate, &environment)));
                return Some(Loaded { environment, path: candidate.path.clone() });
            }
            Err(error) => say(failed(chain(&error))),
        }
    }
    say(Event::NoLibrary);
    None
}

fn unloadable(error: &LoadDynamicError) -> String {
    match error {
        LoadDynamicError::Dlopen { error, .. } => chain(error),
        LoadDynamicError::MissingApi { .. } => "it is a library, but not ONNX Runtime".into(),
        LoadDynamicError::BadVersion { version_str, .. } => format!("it is version {version_str}"),
        LoadDynamicError::InvalidVersionString => "it does not say its version".into(),
    }
}

/// An error with everything below it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(inner) = below {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        below = inner.source();
    }
    text
}

fn library(candidate: &Candidate, environment: &Environment) -> Library {
    let mut providers: Vec<String> =
        environment.devices().filter_map(|device| device.ep().ok().map(str::to_string)).collect();
    if CUDA::is_available().unwrap_or(false) {
        providers.push(CUDA::NAME.into());
    }
    providers.sort();
    providers.dedup();
    Library { candidate: candidate.clone(), version: version(&candidate.path), providers }
}

/// The library's version: the whole of it is in the name of its file, the middle number in the library.
fn version(path: &Path) -> String {
    let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match discover::version(name).filter(|numbers| !numbers.is_empty()) {
        Some(numbers) => numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("."),
        None => ort::util::probe(path).map_or_else(|| "unknown".into(), |minor| format!("1.{minor}")),
    }
}

impl Runtime {
    /// Finds out what models run on. `Err` says why they cannot run on what was asked for.
    pub(super) fn on(
        Loaded { environment, path }: Loaded,
        wanted: Device,
        folder: Option<&Path>,
        probe: &[u8],
    ) -> Result<(Runtime, Using), String> {
        let choices = match wanted {
            Device::Auto => vec![Chosen::Cuda(0), Chosen::Webgpu, Chosen::Cpu],
            Device::Cpu => vec![Chosen::Cpu],
            Device::Cuda(number) => vec![Chosen::Cuda(number)],
            Device::Webgpu => vec![Chosen::Webgpu],
        };
        let mut passed_over = Vec::new();
        for device in choices {
            let folder = folder.map(|folder| folder.display().to_string());
            let runtime = Runtime { environment: environment.clone(), device, folder };
            let tried = match device {
                Chosen::Webgpu => register(&environment, discover::webgpu(&path)),
                Chosen::Cpu | Chosen::Cuda(_) => Ok(()),
            };
            match tried.and_then(|()| runtime.session(probe, true).map(drop).map_err(|error| one_line(error.message())))
            {
                Ok(()) => {
                    let (provider, device) = match device {
                        Chosen::Cpu => ("CPUExecutionProvider", "cpu".into()),
                        Chosen::Cuda(number) => (CUDA::NAME, format!("cuda:{number}")),
                        Chosen::Webgpu => (WEBGPU, "webgpu".into()),
                    };
                    return Ok((runtime, Using { provider: provider.into(), device, passed_over }));
                }
                Err(why) => passed_over.push(why),
            }
        }
        Err(passed_over.join("; "))
    }

    /// Where models run in memory of which the runtime keeps figures.
    pub(super) fn memory(&self) -> Option<(AllocationDevice<'static>, i32)> {
        match self.device {
            Chosen::Cuda(number) => Some((AllocationDevice::CUDA, i32::from(number))),
            Chosen::Cpu => Some((AllocationDevice::CPU, 0)),
            Chosen::Webgpu => None,
        }
    }

    /// Whether models run on the processor, where every byte can be counted.
    pub(super) fn is_cpu(&self) -> bool {
        self.device == Chosen::Cpu
    }

    /// Every device that the library sees, with who made it.
    pub(super) fn devices(&self) -> Vec<String> {
        let describe = |device: ort::device::Device| {
            let hardware = device.hardware_device();
            let (vendor, provider) = (hardware.vendor().unwrap_or("?"), device.ep().unwrap_or("?"));
            format!("{:?} by {vendor}, through {provider}", hardware.ty())
        };
        self.environment.devices().map(describe).collect()
    }

    /// A session of a model on the device.
    pub(super) fn session(&self, model: &[u8], optimized: bool) -> ort::Result<Session> {
        self.builder(optimized)?.commit_from_memory(model)
    }

    /// What a session on the device is built from. Names of options are the runtime's.
    pub(super) fn builder(&self, optimized: bool) -> ort::Result<SessionBuilder> {
        let level = if optimized { GraphOptimizationLevel::All } else { GraphOptimizationLevel::Disable };
        let builder = Session::builder(&self.environment)?
            .with_auto_device(AutoDevicePolicy::PreferCPU)?
            .with_optimization_level(level)?;
        let builder = match &self.folder {
            Some(folder) => {
                builder.with_config_entry("session.model_external_initializers_file_folder_path", folder)?
            }
            None => builder,
        };
        Ok(match self.device {
            Chosen::Cpu => builder,
            Chosen::Cuda(number) => {
                let cuda = CUDA::default().with_device_id(i32::from(number)).with_tf32(false);
                builder.with_execution_providers([cuda.build().error_on_failure()])?
            }
            Chosen::Webgpu => {
                let gpus = self.environment.devices().filter(|device| device.ep().is_ok_and(|name| name == WEBGPU));
                // The other layout would put transpositions between the nodes that are compared.
                let layout = (format!("{WEBGPU}.preferredLayout"), "NCHW".into());
                builder.with_devices(gpus, Some(&[layout]))?
            }
        })
    }
}

/// Makes the WebGPU plug-in known; fails where it finds no GPU.
fn register(environment: &Environment, plug_in: Option<PathBuf>) -> Result<(), String> {
    let Some(plug_in) = plug_in else {
        return Err(
            "the WebGPU plug-in is not installed beside the library: `pip install onnxruntime-ep-webgpu`".into()
        );
    };
    environment.register_ep_library("webgpu", plug_in).map_err(|error| error.to_string())?;
    let found = environment.devices().any(|device| device.ep().is_ok_and(|name| name == WEBGPU));
    if found { Ok(()) } else { Err("the WebGPU plug-in finds no GPU".into()) }
}
