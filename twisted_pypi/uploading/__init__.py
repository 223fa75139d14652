"""Uploads: what a form has to be for its file to be published, and the publishing of it."""

from twisted_pypi.uploading.asking import Verify
from twisted_pypi.uploading.form import UploadForm
from twisted_pypi.uploading.uploader import Uploader

__all__ = ["UploadForm", "Uploader", "Verify"]
