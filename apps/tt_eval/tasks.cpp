// tt-eval tasks: what data sets are known, what prompts become of a file, and tasks of a chosen length.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/common_flags.hpp"
#include "common/embedded.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "eval/chat.hpp"
#include "io/text_file.hpp"
#include "model/language_model.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "tasks/made_task.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

namespace {

struct TasksFlags {
  std::string action = "list";
  std::vector<std::string> arguments{};
  std::vector<std::string> task_files{};
  std::string model{};
  std::int64_t limit = 3;
  std::int64_t few_shot = 0;
  std::string few_shot_file{};
  bool chat = false;
  std::vector<std::string> texts{};
  std::int64_t length = 1024;
  std::int64_t count = 100;
  std::optional<ResultFormat> format{};
  std::string output{};
};

Listing listing_of(const std::vector<TaskDefinition>& library) {
  Listing listing;
  listing.schema = "toptheta.tasks/1";
  listing.about = nlohmann::ordered_json::object();
  listing.columns = {{"name", "task", false},
                     {"kind", "kind", false},
                     {"fields", "fields of a line", false, 1},
                     {"about", "about", false}};
  for (const TaskDefinition& task : library) {
    std::string fields;
    for (const TaskForm& form : task.forms) {
      if (!fields.empty()) fields += "; or ";
      for (std::size_t i = 0; i < form.fields.size(); ++i)
        fields += (i == 0 ? "" : ", ") + form.fields[i].text();
    }
    listing.rows.push_back({task.name, name_of(task.kind), fields, task.about});
  }
  listing.notes = {
      "tt-eval tasks show NAME FILE prints finished prompts; --task NAME:FILE names the task of a file.",
      "docs/tasks.md explains how to describe a data set of your own."};
  return listing;
}

// White space made visible: blanks as middle dots, line breaks with a mark.
std::string visible(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == ' ')
      result += "\u00B7";
    else if (c == '\n')
      result += "\u23CE\n";
    else if (c == '\t')
      result += "\u2192";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result;
}

// One request: what the model reads, and what is scored or compared.
struct ShownRequest {
  std::string context;
  std::string continuation;
  bool right = true;
};
struct ShownExample {
  std::string place;
  std::vector<ShownRequest> requests;
};

ShownExample shown(const TextDocument& document) {
  return {document.name, {{document.text, ""}}};
}
ShownExample shown(const MultipleChoiceExample& example) {
  ShownExample result{example.place, {}};
  for (std::int64_t c = 0; c < example.num_choices(); ++c)
    result.requests.push_back(
        {example.context(c), example.continuations[static_cast<std::size_t>(c)], c == example.label});
  return result;
}
ShownExample shown(const ContinuationExample& example) {
  return {example.place, {{example.context, example.continuation}}};
}
ShownExample shown(const GenerationExample& example) {
  return {example.place, {{example.prompt, example.answer}}};
}

std::vector<ShownExample> shown_examples(const Task& task) {
  return std::visit(
      [](const auto& list) {
        std::vector<ShownExample> all;
        all.reserve(list.size());
        for (const auto& example : list)
          all.push_back(shown(example));
        return all;
      },
      task.examples);
}

std::string readable(const Task& task, const LanguageModel* model) {
  std::string text = fmt::format("{}: task {}, {}, {} example{} shown\n", task.path, task.format,
                                 name_of(task.kind()), task.size(), task.size() == 1 ? "" : "s");
  for (const ShownExample& example : shown_examples(task)) {
    text += fmt::format("\n== {} ==\n", example.place);
    const bool shared = std::ranges::all_of(example.requests, [&example](const ShownRequest& request) {
      return request.context == example.requests.front().context;
    });
    for (const ShownRequest& request : example.requests) {
      const bool first = &request == &example.requests.front();
      if (first || !shared) text += visible(request.context) + "\n";
      if (request.continuation.empty()) continue;
      text += fmt::format("  {} {}", request.right ? "->" : "  ", visible(request.continuation));
      if (model != nullptr)
        text += fmt::format("   ({} tokens with its context)",
                            encode_prompt(*model, request.context + request.continuation).size());
      text += '\n';
    }
    if (model != nullptr)
      text += fmt::format("  {} tokens of context\n",
                          encode_prompt(*model, example.requests.front().context).size());
  }
  return text;
}

nlohmann::ordered_json json_of(const Task& task, const LanguageModel* model) {
  nlohmann::ordered_json json = {{"schema", "toptheta.prompts/1"},
                                 {"task", task.format},
                                 {"kind", name_of(task.kind())},
                                 {"path", task.path},
                                 {"examples", nlohmann::ordered_json::array()}};
  for (const ShownExample& example : shown_examples(task)) {
    nlohmann::ordered_json requests = nlohmann::ordered_json::array();
    for (const ShownRequest& request : example.requests) {
      requests.push_back(
          {{"context", request.context}, {"continuation", request.continuation}, {"right", request.right}});
      if (model != nullptr) requests.back()["context_tokens"] = encode_prompt(*model, request.context).size();
    }
    json["examples"].push_back({{"place", example.place}, {"requests", requests}});
  }
  return json;
}

class TasksCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  void list() const;
  void show(Session& session) const;
  void make(Session& session) const;
  void require_flags_of(const char* action, const std::vector<CLI::Option*>& options) const;

  TasksFlags flags_;
  std::vector<CLI::Option*> show_flags_;
  std::vector<CLI::Option*> make_flags_;
};

void TasksCommand::declare(CLI::App& app) {
  app.add_option("action", flags_.action, "list, show or make")
      ->type_name("list|show|make")
      ->check(CLI::IsMember({"list", "show", "make"}).description(""))
      ->capture_default_str();
  app.add_option("arguments", flags_.arguments,
                 "show: NAME FILE, or FILE; make: needle, multi-key, variable-tracking or common-words")
      ->type_name("...");
  app.add_option("--task-file", flags_.task_files,
                 "Task files of your own, in addition to those that ship with the program")
      ->type_name("FILE.toml")
      ->group(kInputGroup);
  declare_model(app, flags_.model)
      ->description(
          "show: count tokens with this model's tokenizer; make: measure --length with it. Default for make: "
          "the embedded model");
  const auto number = [&](const char* name, std::int64_t& value, const char* description) {
    return app.add_option(name, value, description)
        ->type_name("N")
        ->check(non_negative())
        ->capture_default_str()
        ->group(kInputGroup);
  };
  show_flags_ = {
      number("--limit", flags_.limit, "show: only the first N examples; 0 = all"),
      number("--few-shot", flags_.few_shot, "show: put this many solved examples before each example"),
      app.add_option("--few-shot-file", flags_.few_shot_file, "show: take the solved examples from this file")
          ->type_name("FILE")
          ->group(kInputGroup),
      app.add_flag("--chat", flags_.chat, "show: format the prompts with the chat template of --model")
          ->group(kInputGroup)};
  make_flags_ = {
      app.add_option("--text", flags_.texts,
                     "make: texts to hide things in, one or several files; by default the embedded texts")
          ->type_name("FILE")
          ->group(kInputGroup),
      number("--length", flags_.length, "make: tokens of prompt and answer together"),
      number("--count", flags_.count, "make: how many examples")};
  add_format(app, flags_.format, "list and show: by default the ending of -o decides; without -o, a table");
  declare_output(app, flags_.output, "Write to this file instead of standard output");
}

void TasksCommand::require_flags_of(const char* action, const std::vector<CLI::Option*>& options) const {
  if (flags_.action == action) return;
  for (const CLI::Option* option : options)
    if (option->count() > 0)
      throw UsageError({.where = option->get_name(), .what = fmt::format("belongs to tasks {}", action)});
}

void TasksCommand::list() const {
  if (!flags_.arguments.empty())
    throw UsageError(
        {.where = "tasks list", .what = "takes no arguments", .found = flags_.arguments.front()});
  write_output(flags_.output, format_listing(listing_of(task_library(flags_.task_files)),
                                             flags_.format.value_or(result_format_of(flags_.output)),
                                             layout_of(flags_.output)));
}

void TasksCommand::show(Session& session) const {
  if (flags_.arguments.empty() || flags_.arguments.size() > 2)
    throw UsageError({.where = "tasks show", .what = "needs a file", .expected = "tasks show [NAME] FILE"});
  const std::vector<TaskDefinition> library = task_library(flags_.task_files);
  const std::string source =
      flags_.arguments.size() == 2 ? flags_.arguments[0] + ":" + flags_.arguments[1] : flags_.arguments[0];
  TaskOptions options;
  if (flags_.limit > 0) options.limit = flags_.limit;
  options.few_shot = flags_.few_shot;
  options.few_shot_file = flags_.few_shot_file;
  options.chat = flags_.chat;
  if (flags_.chat && flags_.model.empty())
    throw UsageError({.where = "--chat", .what = "needs a model's chat template", .next = "add --model DIR"});
  Task task = load_task_source(task_source(source, library), library, options);
  require_all_described(library, {task.format});
  for (const std::string& note : task.notes)
    session.console.note(note);
  std::optional<LanguageModel> model;
  if (!flags_.model.empty()) model.emplace(load_language_model(flags_.model));
  if (flags_.chat) task = as_chat(std::move(task), *model, "");
  const LanguageModel* counting = model ? &*model : nullptr;
  const bool as_json = flags_.format.value_or(result_format_of(flags_.output))->name == "json";
  write_output(flags_.output, as_json ? format_json(json_of(task, counting)) : readable(task, counting));
}

void TasksCommand::make(Session& session) const {
  const auto kind = flags_.arguments.size() == 1 ? made_kind_from_name(flags_.arguments[0]) : std::nullopt;
  if (!kind)
    throw UsageError({.where = "tasks make",
                      .what = "needs one kind of task",
                      .expected = "needle, multi-key, variable-tracking or common-words",
                      .found = fmt::format("{}", fmt::join(flags_.arguments, " "))});
  if (flags_.length < 64 || flags_.count < 1)
    throw UsageError({.where = flags_.count < 1 ? "--count" : "--length",
                      .what = "out of range",
                      .expected = flags_.count < 1 ? "at least 1" : "at least 64 tokens"});
  std::vector<std::filesystem::path> paths(flags_.texts.begin(), flags_.texts.end());
  if (paths.empty()) paths = find_embedded_data().files("heldout-a", ".txt");
  std::vector<std::string> texts;
  for (const std::filesystem::path& path : paths) {
    require_distinct(flags_.output, path, "-o");
    texts.push_back(read_text_file(path));
  }
  const LanguageModel model = load_language_model(resolve_model(flags_.model, session));
  const auto count_tokens = [&model](std::string_view text) {
    return static_cast<std::int64_t>(encode_prompt(model, text).size());
  };
  write_output(flags_.output,
               make_task(texts, {*kind, flags_.length, flags_.count, session.seed}, count_tokens));
}

void TasksCommand::run(Session& session) {
  require_flags_of("show", show_flags_);
  require_flags_of("make", make_flags_);
  if (flags_.action == "make") return make(session);
  if (flags_.action == "show") return show(session);
  list();
}

}  // namespace

std::unique_ptr<Command> make_tasks_command() {
  return std::make_unique<TasksCommand>();
}

}  // namespace toptheta::app
