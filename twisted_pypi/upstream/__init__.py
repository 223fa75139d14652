"""Pages and files of other indexes: how they are asked, and what is kept of what they said."""
