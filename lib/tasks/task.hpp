// Evaluation tasks: data sets as requests of a few kinds, independent of the data set that they came from.
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

// The model's choice is the likeliest of several continuations.
struct MultipleChoiceExample {
  std::vector<std::string> contexts;       // one per choice, or a single one that all choices share
  std::vector<std::string> continuations;  // one per choice, with the white space before it
  std::vector<std::int64_t> lengths;       // code points of each choice without that white space; at least 1
  std::int64_t label = 0;                  // index of the right choice
  std::string place;                       // "x.jsonl:7"
  std::string system{};  // in a chat: the task's description, which becomes a system message

  [[nodiscard]] std::int64_t num_choices() const { return static_cast<std::int64_t>(continuations.size()); }
  [[nodiscard]] const std::string& context(std::int64_t choice) const {
    return contexts[contexts.size() == 1 ? 0 : static_cast<std::size_t>(choice)];
  }
};

// One right continuation. What counts is its likelihood, and whether greedy decoding would have produced it.
struct ContinuationExample {
  std::string context;
  std::string continuation;  // with the white space before it
  std::string place;         // "x.jsonl:7"
  std::string system{};      // as above
};

// How a generated text is compared with the right answer (tasks/answers.hpp).
struct AnswerMatch {
  std::string name;                     // the metric is exact_match or, with a name, exact_match_NAME
  std::optional<Substitution> extract;  // finds the answer in the generated text; none: the whole text
  bool last = false;                    // take the last match of `extract` rather than the first
  std::vector<Substitution> ignore;     // matches are removed from both sides before they are compared
  bool ignore_case = false;
  bool ignore_punctuation = false;
};
// All ways to compare; none if completions are judged by another program (HumanEval).
struct AnswerRule {
  std::vector<AnswerMatch> matches;
};

// The model continues the prompt.
struct GenerationExample {
  std::string id;      // such as HumanEval's task_id; empty if the task has none
  std::string prompt;  // ends without white space unless the data set's own prompt does
  std::string answer;
  std::vector<std::string> stop;  // the completion ends before the first of these
  std::int64_t max_new_tokens = 0;
  std::string place;     // "x.jsonl:7"
  std::string system{};  // as above
};

struct TextDocument {
  std::string name;
  std::string text;      // UTF-8, not empty
  std::string original;  // the text in the file, in which words and bytes are counted; empty: it is `text`
};

enum class TaskKind { text, multiple_choice, continuation, generation };

// The kinds' names: "text", "multiple-choice", "continuation", "generation".
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
  // Generation: how answers are compared; null: they must be equal except for white space at both ends.
  std::shared_ptr<const AnswerRule> answer{};
  // Files besides `path` from which examples were taken, and the task file if it is the user's own.
  std::vector<InputFile> inputs{};
  std::vector<std::string> notes{};  // what a user should know about how the file was read

  [[nodiscard]] TaskKind kind() const { return static_cast<TaskKind>(examples.index()); }
  [[nodiscard]] std::int64_t size() const;
};

struct TaskOptions {
  std::optional<std::int64_t> limit{};  // use only this many examples, the first ones; at least 1
  // The number of solved examples before each example, which is never among them. Texts have none.
  std::int64_t few_shot = 0;
  // If set, solved examples are drawn at random for each example; else they are the first ones of their file.
  std::optional<std::uint64_t> few_shot_seed{};
  // The file of solved examples; empty: the file that the task file names, else the same file.
  std::filesystem::path few_shot_file{};
  // Prepare for a chat (eval/chat.hpp): the task's description becomes a system message, and choices come
  // without the delimiter before them.
  bool chat = false;
};

struct TaskDefinition;

// Reads a task: a plain text (.txt, .text, .raw, .md), or a file with one JSON object per line that is
// described by the task file `named` or else by the one of `tasks` that its fields fit. Throws InputError at
// "FILE:LINE: field" for whatever does not fit, and UsageError for options that cannot be met.
Task load_task(const std::filesystem::path& path, std::span<const TaskDefinition> tasks,
               const TaskOptions& options = {}, const TaskDefinition* named = nullptr);

// The number of words of a text for word-level perplexity: the pieces between runs of white space, including
// empty ones at the ends, as lm-evaluation-harness counts them. Requires valid UTF-8.
std::int64_t count_words(std::string_view text);

}  // namespace toptheta
