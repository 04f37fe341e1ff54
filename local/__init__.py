"""The local stack: the emulator, the deployment to it, sample data and the demo. Nothing here runs on AWS."""
