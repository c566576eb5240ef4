mod arch_syntax;
