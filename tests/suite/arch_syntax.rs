use cnnsize::base::source::Sources;
use cnnsize::front::arch::parse;
#[test]
fn dump() {
    for dir in ["/work/shared/corpus/arch/valid", "/work/shared/corpus/arch/examples", "/work/shared/corpus/arch/invalid"] {
        let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
        files.sort();
        for p in files {
            let text = std::fs::read_to_string(&p).unwrap();
            let mut sources = Sources::default();
            let id = sources.add(&p, text.clone());
            let (_, ds) = parse(id, &text);
            for d in ds { println!("{}: {}: {} | {:?} {:?}", p.file_name().unwrap().to_str().unwrap(), d.code, d.message, d.help, d.fix.map(|f| (sources.text(f.span).to_owned(), f.text))); }
        }
    }
}
