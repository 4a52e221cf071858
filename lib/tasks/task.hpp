// Evaluation tasks: data sets read into requests that no longer know which data set they came from.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/provenance.hpp"
#include "tasks/substitute.hpp"

namespace toptheta {

// The likeliest of several continuations is the model's choice.
struct MultipleChoiceExample {
  std::vector<std::string> contexts;       // one per choice, or a single one that all choices share
  std::vector<std::string> continuations;  // one per choice, with the white space before it
  std::vector<std::int64_t>
      lengths;             // Unicode code points of each choice, without that white space; at least 1
  std::int64_t label = 0;  // index of the right choice
  std::string place;       // "x.jsonl:7"
  std::string system{};    // of a chat: what the task puts before everything

  [[nodiscard]] std::int64_t num_choices() const { return static_cast<std::int64_t>(continuations.size()); }
  [[nodiscard]] const std::string& context(std::int64_t choice) const {
    return contexts[contexts.size() == 1 ? 0 : static_cast<std::size_t>(choice)];
  }
};

// One right continuation: its likelihood counts, and whether greedy decoding would have produced it.
struct ContinuationExample {
  std::string context;
  std::string continuation;  // with the white space before it
  std::string place;         // "x.jsonl:7"
  std::string system{};      // of a chat, as above
};

// How a generated text is compared with the right answer (tasks/answers.hpp).
struct AnswerMatch {
  std::string name;                     // "": the metric exact_match; "flexible": exact_match_flexible
  std::optional<Substitution> extract;  // takes the answer from the generated text; none: all of it
  bool last = false;                    // the last match of `extract` rather than the first
  std::vector<Substitution> ignore;     // taken out of both before they are compared
  bool ignore_case = false;
  bool ignore_punctuation = false;
};
// All ways to compare; none where the completion is written out for another program (HumanEval).
struct AnswerRule {
  std::vector<AnswerMatch> matches;
};

// The model continues the prompt.
struct GenerationExample {
  std::string id;      // such as HumanEval's task_id; empty where the task has none
  std::string prompt;  // ends without white space unless the data set's own prompt does
  std::string answer;
  std::vector<std::string> stop;  // the text ends before the first of these
  std::int64_t max_new_tokens = 0;
  std::string place;     // "x.jsonl:7"
  std::string system{};  // of a chat, as above
};

struct TextDocument {
  std::string name;
  std::string text;      // UTF-8, not empty
  std::string original;  // as it is in the file, where the task changes it; words and bytes are counted here
};

enum class TaskKind { text, multiple_choice, continuation, generation };

// "text", "multiple-choice", "continuation", "generation".
std::string_view name_of(TaskKind kind);

struct Task {
  // In the order of TaskKind.
  using Examples = std::variant<std::vector<TextDocument>, std::vector<MultipleChoiceExample>,
                                std::vector<ContinuationExample>, std::vector<GenerationExample>>;

  std::string name;    // the file's name without its ending
  std::string format;  // the task file's name: "text", "multiple-choice", "hellaswag", "arc", ...
  std::string path;
  std::string sha256;
  Examples examples;  // never empty
  // Generation: how answers are compared; null: they are equal but for white space at both ends.
  std::shared_ptr<const AnswerRule> answer{};
  // Files besides `path` that examples were taken from, and the task file where it is the user's.
  std::vector<InputFile> inputs{};
  std::vector<std::string> notes{};  // what a user should know about how the file was read

  [[nodiscard]] TaskKind kind() const { return static_cast<TaskKind>(examples.index()); }
  [[nodiscard]] std::int64_t size() const;
};

struct TaskOptions {
  std::optional<std::int64_t> limit{};  // only the first so many examples; at least 1
  // Solved examples put before each example, never the example itself. Texts take none.
  std::int64_t few_shot = 0;
  // Draws them at random for each example; without it they are the first ones of their file.
  std::optional<std::uint64_t> few_shot_seed{};
  // Where they come from; empty: where the task file says, else the same file.
  std::filesystem::path few_shot_file{};
  // For a chat (eval/chat.hpp): what the task puts before everything is a system message of its own, and
  // choices come without the delimiter before them.
  bool chat = false;
};

struct TaskDefinition;

// Reads a task: a plain text (.txt, .text, .raw, .md), or a file of one JSON object a line, which one of
// `tasks` describes: `named`, or the one that its fields tell. Throws InputError at "FILE:LINE: field" for
// whatever does not fit, and UsageError for options that cannot be met.
Task load_task(const std::filesystem::path& path, std::span<const TaskDefinition> tasks,
               const TaskOptions& options = {}, const TaskDefinition* named = nullptr);

// Words of a text as word-level perplexity counts them: the pieces between runs of white space, empty ones at
// the ends included (lm-evaluation-harness). Requires valid UTF-8.
std::int64_t count_words(std::string_view text);

}  // namespace toptheta
