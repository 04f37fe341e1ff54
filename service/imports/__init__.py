"""The life of an import, one package a phase. Its functions take their ports as arguments and know no AWS, no HTTP."""
