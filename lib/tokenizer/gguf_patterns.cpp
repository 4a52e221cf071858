#include "tokenizer/gguf_patterns.hpp"

#include <algorithm>

namespace toptheta {
namespace {

constexpr std::string_view kDigits = R"J({"type": "Digits", "individual_digits": true})J";
constexpr std::string_view kLlama3 =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}})J";
constexpr std::string_view kQwen2 =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}})J";
constexpr std::string_view kO200k =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}})J";
constexpr std::string_view kTekken =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}})J";
constexpr std::string_view kThreeDigits =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "\\p{N}{1,3}"}})J";
constexpr std::string_view kHanAndKana =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[一-龥぀-ゟ゠-ヿ]+"}})J";
constexpr std::string_view kDeepSeek3 =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}})J";
constexpr std::string_view kLineBreaks =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[\\r\\n]"}})J";
constexpr std::string_view kSpaceAndLetters =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "\\s?\\p{L}+"}})J";
constexpr std::string_view kSpaceAndPunctuation =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "\\s?\\p{P}+"}})J";
constexpr std::string_view kHanAndHangul =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "[一-龥ࠀ-一가-퟿]+"}})J";
constexpr std::string_view kBloom =
    R"J({"type": "Split", "behavior": "Isolated", "pattern": {"Regex": " ?[^(\\s|.,!?…。，、।۔،)]+"}})J";

const std::vector<GgufPattern>& patterns() {
  static const std::vector<GgufPattern> kPatterns = {
      {.name = "gpt-2", .gpt2_words = true},
      {.name = "phi-2", .gpt2_words = true},
      {.name = "jais", .gpt2_words = true},
      {.name = "gpt-neox", .gpt2_words = true, .nfc = true},
      {.name = "mpt", .gpt2_words = true, .nfc = true},
      {.name = "olmo", .gpt2_words = true, .nfc = true},
      {.name = "smollm", .splits = {kDigits}, .gpt2_words = true},
      {.name = "starcoder", .splits = {kDigits}, .gpt2_words = true},
      {.name = "refact", .splits = {kDigits}, .gpt2_words = true},
      {.name = "codeshell", .splits = {kDigits}, .gpt2_words = true},
      {.name = "exaone", .splits = {kDigits}, .gpt2_words = true},
      {.name = "command-r", .splits = {kDigits}, .gpt2_words = true, .nfc = true},
      {.name = "llama-bpe", .splits = {kLlama3}, .ignore_merges = true, .adds_bos = true},
      {.name = "llama3", .splits = {kLlama3}, .ignore_merges = true, .adds_bos = true},
      {.name = "llama-v3", .splits = {kLlama3}, .ignore_merges = true, .adds_bos = true},
      {.name = "dbrx", .splits = {kLlama3}},
      {.name = "smaug-bpe", .splits = {kLlama3}},
      {.name = "chatglm-bpe", .splits = {kLlama3}},
      {.name = "qwen2", .splits = {kQwen2}, .nfc = true},
      {.name = "deepseek-r1-qwen", .splits = {kQwen2}, .nfc = true},
      {.name = "stablelm2", .splits = {kQwen2}},
      {.name = "gpt-4o", .splits = {kO200k}, .ignore_merges = true},
      {.name = "llama4", .splits = {kO200k}, .ignore_merges = true, .adds_bos = true},
      {.name = "tekken", .splits = {kTekken}, .ignore_merges = true, .adds_bos = true},
      {.name = "deepseek-v3", .splits = {kThreeDigits, kHanAndKana, kDeepSeek3}},
      {.name = "deepseek-coder",
       .splits = {kLineBreaks, kSpaceAndLetters, kSpaceAndPunctuation, kHanAndHangul, kDigits}},
      {.name = "bloom", .splits = {kBloom}},
      {.name = "poro-chat", .splits = {kBloom}},
      {.name = "gpt3-finnish", .splits = {kBloom}},
      {.name = "viking", .splits = {kBloom, kDigits}}};
  return kPatterns;
}

}  // namespace

const GgufPattern* gguf_pattern(std::string_view name) {
  const auto found = std::ranges::find(patterns(), name, &GgufPattern::name);
  return found == patterns().end() ? nullptr : &*found;
}

std::vector<std::string_view> gguf_pattern_names() {
  std::vector<std::string_view> names;
  for (const GgufPattern& pattern : patterns())
    names.push_back(pattern.name);
  return names;
}

}  // namespace toptheta
