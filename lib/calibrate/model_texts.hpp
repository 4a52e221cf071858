// Texts as token windows for a model whose attention is observed, for calibration and for dumps.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "model/language_model.hpp"

namespace toptheta {

struct TextWindow {
  std::string source;                // the file, with the window's number if the document has several
  std::vector<std::int32_t> tokens;  // as many as the context of text_windows(), or fewer in the last
  std::int64_t document = 0;         // the number of the document, from 0
};

// Each file is a document: the start token, then the text, cut into consecutive windows of `context` tokens
// (0: the longest context that the model supports). Later windows continue the document without another start
// token. The files of token ids (tokenizer/token_ids.hpp) come after the texts; each sequence is a document,
// to which no token is added. Throws InputError for empty texts and sequences, for text that is not UTF-8 and
// for ids outside the model's vocabulary, UsageError for a context beyond what the model supports.
std::vector<TextWindow> text_windows(const LanguageModel& model,
                                     const std::vector<std::filesystem::path>& files, std::int64_t context,
                                     const std::vector<std::filesystem::path>& id_files = {});

// Empties the cache, which must have room for the window, and runs the window through the model in pieces.
// Logits are not computed.
void run_window(Transformer& model, const TextWindow& window, KvCache& cache, const ResolvedPolicy& policy,
                const ForwardOptions& options);

}  // namespace toptheta
