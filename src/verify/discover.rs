//! Where the runtime's library may be. What the user names is final; then come places that an installer fills. Never the
//! working directory and never the model's folder: a library from a stranger's repository is a stranger's program.

use super::job::Candidate;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the runtime is installed.
pub const INSTALL: &str = "pip install onnxruntime";

/// The oldest version that will do.
pub const OLDEST: &str = "1.24";

/// Libraries to be tried, in this order. `named`: the one that `--ort-lib` names.
pub fn candidates(named: Option<&Path>) -> Vec<Candidate> {
    if let Some(path) = named {
        return vec![candidate("--ort-lib", whole(path))];
    }
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return vec![candidate("ORT_DYLIB_PATH", whole(Path::new(&path)))];
    }
    let mut found = Vec::new();
    let program = env::current_exe().and_then(fs::canonicalize).ok();
    if let Some(folder) = program.as_deref().and_then(Path::parent) {
        found.extend(in_folder("beside the program", folder));
        if let Some(above) = folder.parent() {
            found.extend(in_folder("beside the program", &above.join("lib").join("cnnsize")));
            found.extend(in_python("the program's own Python environment", above));
        }
    }
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(folder) = env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute()) {
            found.extend(in_python(name, &folder));
        }
    }
    for folder in env::var_os("NODE_PATH").iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute()) {
        found.extend(in_folder("NODE_PATH", &folder.join("onnxruntime-node/bin/napi-v6").join(node_platform())));
    }
    found.extend(asked_of_python());
    found.extend(of_the_system());
    let mut unique: Vec<Candidate> = Vec::new();
    for one in found {
        if unique.iter().all(|other| other.path != one.path) {
            unique.push(one);
        }
    }
    unique
}

/// A file's whole path, so that nobody looks for it elsewhere; what is no file is a name for the system's loader.
fn whole(path: &Path) -> PathBuf {
    if path.exists() { std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) } else { path.to_owned() }
}

/// The WebGPU plug-in, installed beside the runtime's Python package: `pip install onnxruntime-ep-webgpu`.
pub(super) fn webgpu(library: &Path) -> Option<PathBuf> {
    // …/site-packages/onnxruntime/capi/libonnxruntime.so.1.32.0
    let packages = library.parent()?.parent()?.parent()?;
    let folder = packages.join("onnxruntime_ep_webgpu");
    let name = format!("{}onnxruntime_providers_webgpu{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    [folder.join(&name), folder.join("capi").join(&name)].into_iter().find(|path| path.is_file())
}

/// Folders of NVIDIA's libraries that are installed beside a candidate's Python package
/// (`pip install onnxruntime-gpu[cuda,cudnn]`), where the loader does not look by itself.
pub(super) fn cuda(candidates: &[Candidate]) -> Vec<PathBuf> {
    let packages = candidates.iter().filter_map(|candidate| candidate.path.ancestors().nth(3));
    let vendors = packages.flat_map(|packages| fs::read_dir(packages.join("nvidia")).into_iter().flatten());
    let folders = vendors.filter_map(Result::ok).map(|vendor| vendor.path().join("lib"));
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.is_dir()).collect();
    folders.sort();
    folders
}

fn candidate(place: &str, path: PathBuf) -> Candidate {
    Candidate { place: place.into(), path }
}

/// The newest library of a folder.
fn in_folder(place: &str, folder: &Path) -> Option<Candidate> {
    let entries = fs::read_dir(folder).ok()?;
    let named = entries.filter_map(|entry| Some((version(entry.as_ref().ok()?.file_name().to_str()?)?, entry.ok()?)));
    let (_, newest) = named.max_by(|(a, _), (b, _)| a.cmp(b))?;
    Some(candidate(place, newest.path()))
}

/// The version in a library's name, as numbers; `None` for files that are not the runtime. Names are
/// `libonnxruntime.so.1.32.0`, `libonnxruntime.1.32.0.dylib` and `onnxruntime.dll`.
pub(super) fn version(name: &str) -> Option<Vec<u64>> {
    let rest = name.strip_prefix("libonnxruntime.").or_else(|| name.strip_prefix("onnxruntime."))?;
    let parts: Vec<&str> = rest.split('.').collect();
    let kind = |part: &&str| matches!(*part, "so" | "dylib" | "dll");
    if parts.iter().filter(|part| kind(part)).count() != 1 {
        return None;
    }
    parts.into_iter().filter(|part| !kind(part)).map(|part| part.parse().ok()).collect()
}

/// The library inside the Python package of an environment.
fn in_python(place: &str, environment: &Path) -> Option<Candidate> {
    let mut folders = vec![environment.join("Lib")];
    let below = fs::read_dir(environment.join("lib")).into_iter().flatten().filter_map(Result::ok);
    let mut pythons: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
    pythons.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n.starts_with("python3")));
    pythons.sort();
    folders.extend(pythons);
    folders.iter().find_map(|folder| in_folder(place, &folder.join("site-packages").join("onnxruntime").join("capi")))
}

/// Asks the Python on the path where it would find the package, without importing it. Its own working directory is taken
/// off the list of places first.
fn asked_of_python() -> Option<Candidate> {
    const QUESTION: &str = "import sys; sys.path = [p for p in sys.path if p]; import importlib.util as u; \
                            s = u.find_spec('onnxruntime'); print(list(s.submodule_search_locations)[0] if s else '')";
    let python = if cfg!(windows) { "python" } else { "python3" };
    let asked = Command::new(python).args(["-c", QUESTION]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let folder = String::from_utf8(asked.stdout).ok().filter(|_| asked.status.success())?;
    let folder = Path::new(folder.trim_end());
    if folder.is_absolute() { in_folder("the Python on PATH", &folder.join("capi")) } else { None }
}

/// What the system's loader finds by itself. (On Windows it would find an old library of the system's own.)
fn of_the_system() -> Vec<Candidate> {
    let place = "the system";
    if cfg!(target_os = "macos") {
        let folders = ["/opt/homebrew/lib", "/usr/local/lib"];
        folders.iter().filter_map(|folder| in_folder(place, Path::new(folder))).collect()
    } else if cfg!(unix) {
        ["libonnxruntime.so.1", "libonnxruntime.so"].map(|name| candidate(place, name.into())).into()
    } else {
        Vec::new()
    }
}

/// How `onnxruntime-node` names this machine.
fn node_platform() -> PathBuf {
    let system = match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    Path::new(system).join(processor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_told_from_its_plug_ins_by_name() {
        assert_eq!(version("libonnxruntime.so.1.32.0"), Some(vec![1, 32, 0]));
        assert_eq!(version("libonnxruntime.1.9.0.dylib"), Some(vec![1, 9, 0]));
        assert_eq!(version("onnxruntime.dll"), Some(vec![]));
        assert!(version("libonnxruntime.so.1.32.0") > version("libonnxruntime.so.1.9.1"));
        for other in ["libonnxruntime_providers_shared.so", "onnxruntime.py", "libonnxruntime.so.1.32.0.gz"] {
            assert_eq!(version(other), None, "{other}");
        }
    }

    #[test]
    fn what_the_user_names_is_the_only_candidate() {
        let named = candidates(Some(Path::new("some.so")));
        assert_eq!(named, [Candidate { place: "--ort-lib".into(), path: "some.so".into() }]);
    }
}
