"""Write the pages of the documentation site that code describes: the API and the command line."""
