#include "tasks/task_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <span>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "io/toml_reader.hpp"
#include "tasks/task.hpp"

namespace toptheta {
namespace {

// Keys of [task] that a [[form]] may override, and keys that hold for the whole task.
constexpr std::string_view kFormKeys[] = {"fields",  "marks",          "known",          "refuse",
                                          "where",   "strict",         "recognise",      "default",
                                          "context", "context-filter", "choices",        "label",
                                          "labels",  "continuation",   "text",           "target",
                                          "id",      "stop",           "max-new-tokens", "delimiter"};
constexpr std::string_view kHeadKeys[] = {"name", "aliases", "about", "kind", "articles", "map", "compare"};

void require_known(const JsonValue& table, std::span<const std::string_view> keys,
                   std::span<const std::string_view> more = {}) {
  for (const auto& [key, value] : table.members()) {
    if (std::ranges::find(keys, key) != keys.end() || std::ranges::find(more, key) != more.end()) continue;
    throw InputError({.where = value.where(),
                      .what = "a task file has no such key",
                      .expected = fmt::format("one of {}{}{}", fmt::join(keys, ", "),
                                              more.empty() ? "" : ", ", fmt::join(more, ", ")),
                      .next = "see docs/tasks.md"});
  }
}

void require_known(const JsonValue& table, std::initializer_list<std::string_view> keys) {
  require_known(table, std::span<const std::string_view>(keys.begin(), keys.size()));
}

// The keys of a form; those of [task] hold where the form does not have them.
struct FormTable {
  JsonValue form;
  JsonValue task;  // the same, where the task file has no forms

  [[nodiscard]] std::optional<JsonValue> find(std::string_view key) const {
    const auto own = form.find(key);
    return own ? own : task.find(key);
  }
  [[nodiscard]] JsonValue at(std::string_view key) const {
    const auto found = find(key);
    return found ? *found : form.at(key);
  }
};

std::vector<std::string> texts_of(const std::optional<JsonValue>& list) {
  return list ? list->texts() : std::vector<std::string>();
}

std::vector<FieldPath> paths_of(const std::optional<JsonValue>& list) {
  std::vector<FieldPath> paths;
  if (list)
    for (const JsonValue& text : list->elements())
      paths.push_back(FieldPath::parse(text.text(), text.where()));
  return paths;
}

// A value that is one of several names.
template <typename Choice>
Choice choice_of(const std::optional<JsonValue>& value,
                 std::initializer_list<std::pair<std::string_view, Choice>> names, Choice absent) {
  if (!value) return absent;
  std::string known;
  for (const auto& [name, choice] : names) {
    if (value->text() == name) return choice;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  value->fail("no such choice", "one of " + known);
}

// Whether a template of the form reads the field.
bool reads(const TaskForm& form, std::string_view field) {
  const auto begins = [field](const FieldPath& path) { return path.top() == field; };
  const auto in = [&](const Template& text) { return std::ranges::any_of(text.paths(), begins); };
  const auto in_any = [&](const TemplateList& list) { return std::ranges::any_of(list.templates, in); };
  const auto in_given = [&](const std::optional<Template>& text) { return text && in(*text); };
  return in_any(form.context) || in_any(form.choices) || in(form.label) || in_any(form.labels) ||
         in(form.continuation) || in(form.text) || in_given(form.target) || in_given(form.id) ||
         in_any(form.stop) || in(form.max_new_tokens) || in(form.description) || in_given(form.shot) ||
         in_given(form.file) || in_given(form.same);
}

// Reads one task file, form by form.
class TaskFileReader {
 public:
  TaskFileReader(JsonValue root, TaskDefinition& task) : root_(std::move(root)), task_(task) {}

  void read() {
    require_known(root_, {"task", "form", "few-shot", "match"});
    const JsonValue task = root_.object("task");
    read_head(task);
    if (const auto forms = root_.find("form")) {
      for (const JsonValue& form : forms->elements()) {
        require_known(form, kFormKeys);
        task_.forms.push_back(form_of({form, task}));
      }
    } else {
      task_.forms.push_back(form_of({task, task}));
    }
    require_used_defaults();
    if (task_.kind == TaskKind::generation) return read_matches(task);
    if (const auto match = root_.find("match"))
      match->fail("answers are compared in tasks of the kind generation only", "no such table");
  }

 private:
  void read_head(const JsonValue& task) {
    require_known(task, kHeadKeys, kFormKeys);
    task_.name = task.text("name");
    if (task_.name.empty() || task_.name.find_first_of(":/ \t\n") != std::string::npos)
      task.at("name").fail("not a name", "a word without colon, slash and blanks");
    task_.aliases = texts_of(task.find("aliases"));
    task_.about = task.text_or("about", "");
    task_.kind = choice_of<TaskKind>(task.at("kind"),
                                     {{"text", TaskKind::text},
                                      {"multiple-choice", TaskKind::multiple_choice},
                                      {"continuation", TaskKind::continuation},
                                      {"generation", TaskKind::generation}},
                                     TaskKind::text);
    task_.articles = choice_of<std::string>(task.find("articles"), {{"wikitext", "wikitext"}}, "");
    auto maps = std::make_shared<TextMaps>();
    if (const auto tables = task.find("map"))
      for (const auto& [name, table] : tables->members())
        for (const auto& [from, to] : table.members())
          (*maps)[name][from] = to.text();
    task_.maps = std::move(maps);
  }

  // A default whose name has a typing error would never take the place of the missing field.
  void require_used_defaults() const {
    for (const TaskForm& form : task_.forms)
      for (const auto& [name, value] : form.defaults.items())
        if (std::ranges::none_of(task_.forms,
                                 [&name = name](const TaskForm& other) { return reads(other, name); }))
          throw InputError({.where = root_.where() + ":default." + name,
                            .what = "a default for a field that no template reads",
                            .expected = "the name of a field that stands in a template"});
  }

  Template template_of(const JsonValue& value) const {
    if (value.is_integer()) return Template::parse(value.raw().dump(), *task_.maps, value.where());
    return Template::parse(value.text(), *task_.maps, value.where());
  }
  std::optional<Template> template_of(const std::optional<JsonValue>& value) const {
    if (!value) return std::nullopt;
    return template_of(*value);
  }
  TemplateList list_of(const JsonValue& value) const {
    if (!value.is_list()) return {{template_of(value)}};
    TemplateList list;
    if (value.size() == 0) value.fail("an empty list", "at least one text");
    for (const JsonValue& text : value.elements())
      list.templates.push_back(Template::parse(text.text(), *task_.maps, text.where()));
    return list;
  }
  TemplateList list_of(const std::optional<JsonValue>& value) const {
    return value ? list_of(*value) : TemplateList();
  }

  TaskForm form_of(const FormTable& table) const {
    TaskForm form;
    read_recognition(table, form);
    if (const auto values = table.find("default")) {
      if (!values->is_object()) values->fail("wrong type", "a table of fields and their values");
      form.defaults = values->raw();
    }
    const auto delimiter = table.find("delimiter");
    if (!delimiter) {
      form.delimiter = " ";
    } else if (delimiter->text() != "auto") {
      form.delimiter = delimiter->text();
    }
    if (const auto filter = table.find("context-filter")) {
      form.context_filter = find_text_filter(filter->text());
      if (form.context_filter == nullptr || form.context_filter->arguments != 0)
        filter->fail("no such filter", "the name of a filter without arguments");
    }
    read_request(table, form);
    if (const auto few_shot = root_.find("few-shot")) read_few_shot(*few_shot, form);
    return form;
  }

  static void read_recognition(const FormTable& table, TaskForm& form) {
    form.fields = paths_of(table.find("fields"));
    if (form.fields.empty())
      table.form.fail("no fields", "fields = [\"question\", ...]: what a line must have");
    form.marks = paths_of(table.find("marks"));
    form.known = texts_of(table.find("known"));
    form.refuse = paths_of(table.find("refuse"));
    if (const auto strict = table.find("strict")) form.strict = strict->flag();
    form.recognition = choice_of<Recognition>(table.find("recognise"),
                                              {{"fields", Recognition::fields},
                                               {"file-name", Recognition::file_name},
                                               {"never", Recognition::never}},
                                              Recognition::fields);
    const auto patterns = table.find("where");
    if (!patterns) return;
    for (const auto& [name, pattern] : patterns->members()) {
      require_known(pattern, {"matches", "about"});
      const std::string where = pattern.where();
      form.where.push_back({FieldPath::parse(name, where), Substitution(pattern.text("matches"), "", where),
                            pattern.text("about")});
    }
  }

  // Keys that another kind of task would read are a mistake in this one.
  void require_own_keys(const FormTable& table) const {
    struct KeyOfKinds {
      std::string_view key;
      std::vector<TaskKind> kinds;
    };
    const std::vector<TaskKind> prompted = {TaskKind::multiple_choice, TaskKind::continuation,
                                            TaskKind::generation};
    const KeyOfKinds keys[] = {{"text", {TaskKind::text}},
                               {"context", prompted},
                               {"choices", {TaskKind::multiple_choice}},
                               {"label", {TaskKind::multiple_choice}},
                               {"labels", {TaskKind::multiple_choice}},
                               {"continuation", {TaskKind::continuation}},
                               {"target", {TaskKind::generation}},
                               {"id", {TaskKind::generation}},
                               {"stop", {TaskKind::generation}},
                               {"max-new-tokens", {TaskKind::generation}}};
    for (const KeyOfKinds& known : keys)
      if (const auto field = table.find(known.key);
          field && std::ranges::find(known.kinds, task_.kind) == known.kinds.end())
        field->fail(fmt::format("a key that a task of the kind {} has no use for", name_of(task_.kind)),
                    "no such key, or another kind");
  }

  void read_request(const FormTable& table, TaskForm& form) const {
    require_own_keys(table);
    switch (task_.kind) {
      case TaskKind::text:
        form.text = template_of(table.at("text"));
        return;
      case TaskKind::multiple_choice:
        form.context = list_of(table.at("context"));
        form.choices = list_of(table.at("choices"));
        form.label = template_of(table.at("label"));
        form.labels = list_of(table.find("labels"));
        return;
      case TaskKind::continuation:
        form.context = list_of(table.at("context"));
        form.continuation = template_of(table.at("continuation"));
        return;
      case TaskKind::generation:
        form.context = list_of(table.at("context"));
        form.target = template_of(table.at("target"));
        form.id = template_of(table.find("id"));
        // An empty list says that nothing stops the answer.
        if (const auto stop = table.find("stop"); stop && !(stop->is_list() && stop->size() == 0))
          form.stop = list_of(*stop);
        form.max_new_tokens = template_of(table.at("max-new-tokens"));
        return;
    }
  }

  void read_few_shot(const JsonValue& table, TaskForm& form) const {
    require_known(table, {"separator", "description", "example", "file", "same"});
    form.separator = table.text_or("separator", "\n\n");
    if (const auto description = table.find("description")) form.description = template_of(*description);
    form.shot = template_of(table.find("example"));
    form.file = template_of(table.find("file"));
    form.same = template_of(table.find("same"));
  }

  void read_matches(const JsonValue& task) {
    auto rule = std::make_shared<AnswerRule>();
    if (task.flag_or("compare", true)) {
      if (const auto matches = root_.find("match")) {
        for (const JsonValue& match : matches->elements())
          rule->matches.push_back(match_of(match));
      } else {
        rule->matches.emplace_back();
      }
    }
    task_.answer = std::move(rule);
  }

  static AnswerMatch match_of(const JsonValue& table) {
    require_known(table, {"name", "extract", "take", "ignore", "ignore-case", "ignore-punctuation"});
    AnswerMatch match;
    match.name = table.text_or("name", "");
    if (const auto pattern = table.find("extract"))
      match.extract.emplace(pattern->text(), "", pattern->where());
    match.last = choice_of<bool>(table.find("take"), {{"first", false}, {"last", true}}, false);
    if (const auto patterns = table.find("ignore"))
      for (const JsonValue& pattern : patterns->elements())
        match.ignore.emplace_back(pattern.text(), "", pattern.where());
    match.ignore_case = table.flag_or("ignore-case", false);
    match.ignore_punctuation = table.flag_or("ignore-punctuation", false);
    return match;
  }

  JsonValue root_;
  TaskDefinition& task_;
};

}  // namespace

TemplateValue TemplateList::evaluate(const JsonValue& line) const {
  if (templates.size() == 1) return templates.front().evaluate(line);
  TemplateValue all;
  all.is_list = true;
  for (const Template& one : templates) {
    TemplateValue value = one.evaluate(line);
    all.texts.push_back(std::move(value.texts.at(0)));
    all.places.push_back(std::move(value.places.at(0)));
  }
  return all;
}

bool TaskDefinition::is_called(std::string_view other) const {
  return other == name || std::ranges::find(aliases, other) != aliases.end();
}

TaskDefinition read_task_file(const std::filesystem::path& path) {
  TaskDefinition task;
  task.path = path;
  TaskFileReader(read_toml_file(path), task).read();
  task.sha256 = sha256_of_path(path);
  return task;
}

std::vector<TaskDefinition> read_task_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file() && entry.path().extension() == ".toml") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<TaskDefinition> tasks;
  for (const auto& path : paths) {
    TaskDefinition task = read_task_file(path);
    for (const TaskDefinition& other : tasks)
      if (other.is_called(task.name))
        throw InputError({.where = path.string(),
                          .what = fmt::format("the name {} is taken", task.name),
                          .found = other.path.string(),
                          .next = "give one of them another name"});
    tasks.push_back(std::move(task));
  }
  return tasks;
}

}  // namespace toptheta
