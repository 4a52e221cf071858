// Data sets as requests to a model: what is asked, what counts as right, whatever file format it came from.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

enum class TaskKind { text, multiple_choice, generation };
// "text", "multiple-choice", "generation".
std::string_view name_of(TaskKind kind);

// One document to predict token by token.
struct TextExample {
  std::string name;
  std::string text;
};

// One of the candidates of a question. `context` differs between candidates only where the data set asks so
// (WinoGrande fills the blank in the context and scores one common continuation).
struct Choice {
  std::string context;
  std::string continuation;        // with its leading delimiter
  std::int64_t code_points = 0;    // length of the choice without the delimiter, for acc_norm
};
struct MultipleChoiceExample {
  std::vector<Choice> choices;  // at least two
  std::int64_t label = 0;
};

struct GenerationExample {
  std::string prompt;
  std::string answer;                // compared after stripping white space at both ends
  std::vector<std::string> stop{};   // generation ends before any of these
  std::int64_t max_new_tokens = 32;
};

struct Task {
  std::string name;    // the file's name without directory and extension
  std::string path;
  std::string sha256;  // of the file
  TaskKind kind = TaskKind::text;
  // One of these is filled, by kind.
  std::vector<TextExample> texts;
  std::vector<MultipleChoiceExample> questions;
  std::vector<GenerationExample> prompts;

  [[nodiscard]] std::int64_t examples() const {
    return static_cast<std::int64_t>(texts.size() + questions.size() + prompts.size());
  }
};

struct TaskOptions {
  std::int64_t limit = 0;     // examples to take from the front; 0: all
  std::int64_t few_shot = 0;  // solved examples before each question, drawn from the same file with `seed`
  std::uint64_t seed = 0;
};

// Recognises the file by its extension (.txt: one text) and its fields (docs/formats.md, "Tasks"). Throws InputError
// naming file, line and field where a line does not fit, and for an empty file; UsageError for few-shot where it means
// nothing or the file has too few examples.
Task load_task(const std::filesystem::path& path, const TaskOptions& options = {});

}  // namespace toptheta
