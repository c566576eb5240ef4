//! Blocks that every file can call. A file's own block of the same name comes first.

/// The text, as `cnnsize explain` shows it.
pub const TEXT: &str = "\
block shortcut(c, /s = 1) {            # identity where shapes allow it, else He et al.'s option B
  if in.c != c or s != 1 { conv c 1x1 /s nobias bn }
}
block squeeze(r = 16) {                # squeeze-and-excitation
  mul {
    | identity
    | avgpool global
      conv (in.c/r) 1x1 relu
      conv in.c 1x1 sigmoid
  }
}
";

/// The path under which messages name it.
pub const PATH: &str = "<prelude>";
