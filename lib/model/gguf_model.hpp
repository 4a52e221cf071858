// GGUF files as models: the configuration that their metadata describe, and their tensors.
//
// llama.cpp derives some settings from the architecture's name. Here the file decides if it has the setting,
// and llama.cpp's rule applies if it does not; docs/models.md lists these settings.
#pragma once
#include <filesystem>

#include "model/tensor_source.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/gguf_vocabulary.hpp"

namespace toptheta {

class GgufFile;

// Whether the path is a regular file that ends in .gguf or begins like a GGUF file.
bool is_gguf(const std::filesystem::path& path);

// Reads the metadata, but no weights yet. Throws InputError naming the key or tensor if something is missing,
// of the wrong type, impossible, or of an architecture that is not computed. Keys that nothing uses and that
// are not known to be harmless are listed in the configuration's `unused`.
ModelFiles open_gguf(const std::filesystem::path& path);

// The vocabulary in the file's metadata. Throws InputError if there is none.
GgufVocabulary read_gguf_vocabulary(const GgufFile& file);
GgufVocabulary read_gguf_vocabulary(const std::filesystem::path& path);

// The chat template in the file's metadata, with the texts of its special tokens. Its source is empty if the
// file has none.
ChatFormat read_gguf_chat(const std::filesystem::path& path);

}  // namespace toptheta
