"""From files to cut-outs and back: upload, wait, download, the contact sheet."""
