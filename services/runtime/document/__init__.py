"""Official documents (公文): one model, drawn as PDF and written as DOCX, in the form of GB/T 9704-2012."""
