"""The life of an import, one module a step. Functions over the ports of `service.ports`; no AWS, no HTTP."""
