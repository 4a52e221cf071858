// Small tokenizer.json files for tests.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/tokenizer.hpp"

namespace toptheta::testing {

using Json = nlohmann::json;
using Merges = std::vector<std::pair<std::string, std::string>>;

inline Json added_token(int id, const std::string& content, bool special = true) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

// A BPE model over `symbols` (ids from 0 in this order) and what the merges make of them (the ids after
// those).
inline Json bpe_model(const std::vector<std::string>& symbols, const Merges& merges) {
  Json vocab = Json::object();
  for (const std::string& symbol : symbols)
    vocab.emplace(symbol, vocab.size());
  Json list = Json::array();
  for (const auto& [left, right] : merges) {
    vocab.emplace(left + right, vocab.size());
    list.push_back(left + " " + right);
  }
  return {{"type", "BPE"}, {"vocab", vocab}, {"merges", list}};
}

inline Json bos_template(const std::string& bos, int id) {
  return {
      {"type", "TemplateProcessing"},
      {"single",
       {{{"SpecialToken", {{"id", bos}, {"type_id", 0}}}}, {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
      {"special_tokens", {{bos, {{"id", bos}, {"ids", {id}}, {"tokens", {bos}}}}}}};
}

// Byte-level: the 256 bytes have their own values as ids, then the merges, then <|bos|> and <|eos|>.
inline Json byte_level_json(const Merges& merges) {
  std::vector<std::string> symbols;
  for (int byte = 0; byte < 256; ++byte)
    symbols.push_back(byte_symbols(std::string(1, static_cast<char>(byte))));
  Json json = {{"version", "1.0"}, {"model", bpe_model(symbols, merges)}};
  const int next = static_cast<int>(json["model"]["vocab"].size());
  json["added_tokens"] = {added_token(next, "<|bos|>"), added_token(next + 1, "<|eos|>")};
  json["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  json["decoder"] = {{"type", "ByteLevel"}};
  json["post_processor"] = bos_template("<|bos|>", next);
  return json;
}

// SentencePiece-like: <unk> 0, <s> 1, </s> 2, the bytes 3 ... 258, then `symbols`, then the merges.
inline Json sentencepiece_json(const std::vector<std::string>& symbols, const Merges& merges) {
  std::vector<std::string> all = {"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kHex = "0123456789ABCDEF";
    all.push_back(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">");
  }
  all.insert(all.end(), symbols.begin(), symbols.end());
  Json json = {{"version", "1.0"}, {"model", bpe_model(all, merges)}};
  json["model"]["unk_token"] = "<unk>";
  json["model"]["fuse_unk"] = true;
  json["model"]["byte_fallback"] = true;
  json["added_tokens"] = {added_token(0, "<unk>"), added_token(1, "<s>"), added_token(2, "</s>")};
  json["normalizer"] = {{"type", "Sequence"},
                        {"normalizers",
                         {{{"type", "Prepend"}, {"prepend", "▁"}},
                          {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}};
  json["decoder"] = {{"type", "Sequence"},
                     {"decoders",
                      {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                       {{"type", "ByteFallback"}},
                       {{"type", "Fuse"}},
                       {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  json["post_processor"] = bos_template("<s>", 1);
  return json;
}

inline std::filesystem::path write_text(const TempDir& dir, const std::string& name,
                                        const std::string& text) {
  const auto path = dir.path(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

inline Tokenizer load_tokenizer(const Json& json) {
  const TempDir dir;
  return Tokenizer::load(write_text(dir, "tokenizer.json", json.dump()));
}

// A directory of test data that need not be there: $TT_SHARED, or "shared" next to the source tree.
inline std::filesystem::path shared_data() {
  const char* set = std::getenv("TT_SHARED");
  return std::filesystem::path(set != nullptr ? set : "../shared") / "data";
}

}  // namespace toptheta::testing
