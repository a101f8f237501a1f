"""The recipe of the bundled embedding model: from raw texts to the folder that ships."""
