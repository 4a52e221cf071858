// GGUF files as models: what their metadata say a decoder computes, and their tensors.
//
// Where llama.cpp takes a thing from the architecture's name and not from the file, the file is followed
// where it speaks, and llama.cpp where it does not; docs/models.md lists these.
#pragma once
#include <filesystem>

#include "model/tensor_source.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/gguf_vocabulary.hpp"

namespace toptheta {

class GgufFile;

// Whether the file begins as GGUF files do, or is named like one.
bool is_gguf(const std::filesystem::path& path);

// Reads no weights yet. Throws InputError naming the key or tensor where something is missing, of another
// kind, impossible, or of an architecture that is not computed. Keys that nothing uses and that are not known
// to be harmless are listed in the configuration's `unused`.
ModelFiles open_gguf(const std::filesystem::path& path);

// The vocabulary in the file's metadata. Throws InputError where there is none.
GgufVocabulary read_gguf_vocabulary(const GgufFile& file);
GgufVocabulary read_gguf_vocabulary(const std::filesystem::path& path);

// The chat template in the file's metadata, with the texts of its special tokens; without a source where
// there is none.
ChatFormat read_gguf_chat(const std::filesystem::path& path);

}  // namespace toptheta
