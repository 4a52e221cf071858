#include <fmt/format.h>

#include "tasks/formats.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

constexpr std::int64_t kMaxNewTokens = 256;       // where the data do not say, as lm-evaluation-harness
constexpr std::int64_t kMaxNewTokensCode = 1024;  // HumanEval

const std::string& not_empty(const JsonField& field) {
  const std::string& text = field.as_string();
  if (strip_white_space(text).empty()) field.fail("empty text", "some text");
  return text;
}

}  // namespace

// The last word, after the last space, is to be continued with.
ParsedExample parse_lambada(const JsonField& line) {
  const JsonField field = line.at("text");
  const std::string& text = not_empty(field);
  const std::size_t space = text.rfind(' ');
  if (space == std::string::npos || strip_white_space(std::string_view(text).substr(space)).empty()) {
    field.fail("no last word to predict", "at least two words, the last one at the end");
  }
  return {ContinuationExample{text.substr(0, space), text.substr(space)}, text};
}

ParsedExample parse_generation(const JsonField& line) {
  GenerationExample example;
  example.prompt = not_empty(line.at("prompt"));
  example.answer = not_empty(line.at("answer"));
  if (const auto stop = line.find("stop")) {
    for (const JsonField& text : stop->elements()) {
      if (text.as_string().empty()) text.fail("empty stop text", "some text");
      example.stop.push_back(text.as_string());
    }
  }
  example.max_new_tokens = kMaxNewTokens;
  if (const auto most = line.find("max_new_tokens")) {
    example.max_new_tokens = most->as_int();
    if (example.max_new_tokens < 1) most->fail("out of range", "at least 1");
  }
  std::string solved = example.prompt + with_delimiter(example.prompt, example.answer);
  return {std::move(example), std::move(solved)};
}

ParsedExample parse_gsm8k(const JsonField& line) {
  GenerationExample example;
  example.prompt = fmt::format("Question: {}\nAnswer:", not_empty(line.at("question")));
  example.answer = not_empty(line.at("answer"));
  example.stop = {"Question:", "</s>", "<|im_end|>"};
  example.max_new_tokens = kMaxNewTokens;
  example.rule = AnswerRule::gsm8k;
  std::string solved = example.prompt + " " + example.answer;
  return {std::move(example), std::move(solved)};
}

ParsedExample parse_humaneval(const JsonField& line) {
  GenerationExample example;
  example.id = not_empty(line.at("task_id"));
  example.prompt = not_empty(line.at("prompt"));
  example.answer = line.at("canonical_solution").as_string();
  (void)line.at("entry_point").as_string();
  example.stop = {"\nclass", "\ndef", "\n#", "\nif", "\nprint"};
  example.max_new_tokens = kMaxNewTokensCode;
  example.rule = AnswerRule::none;
  std::string solved = example.prompt + example.answer;
  return {std::move(example), std::move(solved)};
}

}  // namespace toptheta
