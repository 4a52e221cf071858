// Evaluation tasks: data sets read into requests that no longer know which data set they came from.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace toptheta {

// The likeliest of several continuations is the model's choice.
struct MultipleChoiceExample {
  std::vector<std::string> contexts;       // one per choice, or a single one that all choices share
  std::vector<std::string> continuations;  // one per choice, with the white space before it
  std::vector<std::int64_t>
      lengths;             // Unicode code points of each choice, without that white space; at least 1
  std::int64_t label = 0;  // index of the right choice

  [[nodiscard]] std::int64_t num_choices() const { return static_cast<std::int64_t>(continuations.size()); }
  [[nodiscard]] const std::string& context(std::int64_t choice) const {
    return contexts[contexts.size() == 1 ? 0 : static_cast<std::size_t>(choice)];
  }
};

// One right continuation: its likelihood counts, and whether greedy decoding would have produced it.
struct ContinuationExample {
  std::string context;
  std::string continuation;  // with the white space before it
};

// How an answer is compared (tasks/answers.hpp).
enum class AnswerRule {
  stripped,  // equal but for white space at both ends
  gsm8k,     // the number after "####"
  none,      // not compared here: the completion is written out for another program (HumanEval)
};

// The model continues the prompt greedily.
struct GenerationExample {
  std::string id;      // HumanEval's task_id; empty elsewhere
  std::string prompt;  // ends without white space unless the data set's own prompt does
  std::string answer;
  std::vector<std::string> stop;  // the text ends before the first of these
  std::int64_t max_new_tokens = 0;
  AnswerRule rule = AnswerRule::stripped;
};

struct TextDocument {
  std::string name;
  std::string text;  // UTF-8, not empty, exactly as in the file
};

enum class TaskKind { text, multiple_choice, continuation, generation };

// "text", "multiple-choice", "continuation", "generation".
std::string_view name_of(TaskKind kind);

struct Task {
  // In the order of TaskKind.
  using Examples = std::variant<std::vector<TextDocument>, std::vector<MultipleChoiceExample>,
                                std::vector<ContinuationExample>, std::vector<GenerationExample>>;

  std::string name;    // the file's name without its ending
  std::string format;  // "text", "multiple choice", "HellaSwag", "ARC", ...
  std::string path;
  std::string sha256;
  Examples examples;  // never empty

  [[nodiscard]] TaskKind kind() const { return static_cast<TaskKind>(examples.index()); }
  [[nodiscard]] std::int64_t size() const;
};

struct TaskOptions {
  std::optional<std::int64_t> limit{};  // only the first so many examples; at least 1
  // Solved examples of the same file put before each example, never the example itself, joined by blank
  // lines. Texts take none.
  std::int64_t few_shot = 0;
  // Draws them at random for each example; without it they are the first ones of the file.
  std::optional<std::uint64_t> few_shot_seed{};
};

// Reads a task: a .txt file is one text; any other file holds one JSON object a line, and its fields tell
// which data set it is. Prompts are those of EleutherAI's lm-evaluation-harness. Throws InputError at
// "FILE:LINE: field" for whatever does not fit, and UsageError for options that cannot be met.
Task load_task(const std::filesystem::path& path, const TaskOptions& options = {});

// Words of a text as word-level perplexity counts them: the pieces between runs of white space, empty ones at
// the ends included (lm-evaluation-harness). Requires valid UTF-8.
std::int64_t count_words(std::string_view text);

}  // namespace toptheta
