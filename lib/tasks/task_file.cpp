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

void require_known(const JsonField& table, std::span<const std::string_view> keys,
                   std::span<const std::string_view> more = {}) {
  for (const auto& [key, value] : table.json().items()) {
    if (std::ranges::find(keys, key) != keys.end() || std::ranges::find(more, key) != more.end()) continue;
    throw InputError({.where = table.where() + ": " + key,
                      .what = "a task file has no such key",
                      .expected = fmt::format("one of {}{}{}", fmt::join(keys, ", "),
                                              more.empty() ? "" : ", ", fmt::join(more, ", ")),
                      .next = "see docs/tasks.md"});
  }
}

void require_known(const JsonField& table, std::initializer_list<std::string_view> keys) {
  require_known(table, std::span<const std::string_view>(keys.begin(), keys.size()));
}

std::vector<std::string> texts_at(const JsonField& table, std::string_view key) {
  std::vector<std::string> texts;
  if (const auto list = table.find(key))
    for (const JsonField& text : list->elements())
      texts.push_back(text.as_string());
  return texts;
}

std::vector<FieldPath> paths_at(const JsonField& table, std::string_view key) {
  std::vector<FieldPath> paths;
  if (const auto list = table.find(key))
    for (const JsonField& text : list->elements())
      paths.push_back(FieldPath::parse(text.as_string(), text.where()));
  return paths;
}

// A value that is one of several names.
template <typename Choice>
Choice choice_at(const JsonField& table, std::string_view key,
                 std::initializer_list<std::pair<std::string_view, Choice>> names, Choice absent) {
  const auto field = table.find(key);
  if (!field) return absent;
  std::string known;
  for (const auto& [name, value] : names) {
    if (field->as_string() == name) return value;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  field->fail("no such choice", "one of " + known);
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
  TaskFileReader(const JsonField& root, TaskDefinition& task) : root_(root), task_(task) {}

  void read() {
    require_known(root_, {"task", "form", "few-shot", "match"});
    const JsonField task = root_.at("task");
    read_head(task);
    const auto forms = root_.find("form");
    if (!forms) {
      task_.forms.push_back(form_of(task.json(), task.where()));
    } else {
      for (const JsonField& form : forms->elements()) {
        require_known(form, kFormKeys);
        nlohmann::json merged = task.json();
        merged.update(form.json());
        task_.forms.push_back(form_of(merged, form.where()));
      }
    }
    require_used_defaults();
    if (task_.kind == TaskKind::generation) return read_matches(task);
    if (const auto match = root_.find("match"))
      match->fail("answers are compared in tasks of the kind generation only", "no such table");
  }

 private:
  void read_head(const JsonField& task) {
    require_known(task, kHeadKeys, kFormKeys);
    task_.name = task.at("name").as_string();
    if (task_.name.empty() || task_.name.find_first_of(":/ \t\n") != std::string::npos)
      task.at("name").fail("not a name", "a word without colon, slash and blanks");
    task_.aliases = texts_at(task, "aliases");
    task_.about = task.string_or("about", "");
    if (!task.find("kind")) (void)task.at("kind");
    task_.kind = choice_at<TaskKind>(task, "kind",
                                     {{"text", TaskKind::text},
                                      {"multiple-choice", TaskKind::multiple_choice},
                                      {"continuation", TaskKind::continuation},
                                      {"generation", TaskKind::generation}},
                                     TaskKind::text);
    task_.articles = choice_at<std::string>(task, "articles", {{"wikitext", "wikitext"}}, "");
    auto maps = std::make_shared<TextMaps>();
    if (const auto tables = task.find("map"))
      for (const auto& [name, table] : tables->json().items())
        for (const auto& [from, to] : tables->at(name).json().items())
          (*maps)[name][from] = tables->at(name).at(from).as_string();
    task_.maps = std::move(maps);
  }

  // A default whose name has a typing error would never take the place of the missing field.
  void require_used_defaults() const {
    for (const TaskForm& form : task_.forms)
      for (const auto& [name, value] : form.defaults.items())
        if (std::ranges::none_of(task_.forms,
                                 [&name = name](const TaskForm& other) { return reads(other, name); }))
          throw InputError({.where = root_.where() + ": default: " + name,
                            .what = "a default for a field that no template reads",
                            .expected = "the name of a field that stands in a template"});
  }

  Template template_at(const JsonField& table, std::string_view key) const {
    const JsonField field = table.at(key);
    if (field.json().is_number_integer())
      return Template::parse(std::to_string(field.as_int()), *task_.maps, field.where());
    return Template::parse(field.as_string(), *task_.maps, field.where());
  }
  std::optional<Template> find_template(const JsonField& table, std::string_view key) const {
    if (!table.find(key)) return std::nullopt;
    return template_at(table, key);
  }
  TemplateList list_at(const JsonField& table, std::string_view key) const {
    TemplateList list;
    const JsonField field = table.at(key);
    if (!field.json().is_array()) return {{template_at(table, key)}};
    for (const JsonField& text : field.elements())
      list.templates.push_back(Template::parse(text.as_string(), *task_.maps, text.where()));
    return list;
  }

  TaskForm form_of(const nlohmann::json& merged, const std::string& where) const {
    const JsonField table(merged, where);
    TaskForm form;
    read_recognition(table, form);
    if (const auto values = table.find("default")) form.defaults = values->json();
    if (const auto text = table.find("delimiter")) {
      if (text->as_string() != "auto") form.delimiter = text->as_string();
    } else {
      form.delimiter = " ";
    }
    if (const auto filter = table.find("context-filter")) {
      form.context_filter = find_text_filter(filter->as_string());
      if (form.context_filter == nullptr || form.context_filter->arguments != 0)
        filter->fail("no such filter", "the name of a filter without arguments");
    }
    read_request(table, form);
    if (const auto few_shot = root_.find("few-shot")) read_few_shot(*few_shot, form);
    return form;
  }

  static void read_recognition(const JsonField& table, TaskForm& form) {
    form.fields = paths_at(table, "fields");
    if (form.fields.empty()) table.fail("no fields", "fields = [\"question\", ...]: what a line must have");
    form.marks = paths_at(table, "marks");
    form.known = texts_at(table, "known");
    form.refuse = paths_at(table, "refuse");
    form.strict = table.bool_or("strict", false);
    form.recognition = choice_at<Recognition>(table, "recognise",
                                              {{"fields", Recognition::fields},
                                               {"file-name", Recognition::file_name},
                                               {"never", Recognition::never}},
                                              Recognition::fields);
    const auto patterns = table.find("where");
    if (!patterns) return;
    for (const auto& [name, pattern] : patterns->json().items()) {
      const JsonField field = patterns->at(name);
      require_known(field, {"matches", "about"});
      form.where.push_back({FieldPath::parse(name, field.where()),
                            Substitution(field.at("matches").as_string(), "", field.where()),
                            field.at("about").as_string()});
    }
  }

  // Keys that another kind of task would read are a mistake in this one.
  void require_own_keys(const JsonField& table) const {
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

  void read_request(const JsonField& table, TaskForm& form) const {
    require_own_keys(table);
    switch (task_.kind) {
      case TaskKind::text:
        form.text = template_at(table, "text");
        return;
      case TaskKind::multiple_choice:
        form.context = list_at(table, "context");
        form.choices = list_at(table, "choices");
        form.label = template_at(table, "label");
        if (table.find("labels")) form.labels = list_at(table, "labels");
        return;
      case TaskKind::continuation:
        form.context = list_at(table, "context");
        form.continuation = template_at(table, "continuation");
        return;
      case TaskKind::generation:
        form.context = list_at(table, "context");
        form.target = template_at(table, "target");
        form.id = find_template(table, "id");
        if (table.find("stop")) form.stop = list_at(table, "stop");
        form.max_new_tokens = template_at(table, "max-new-tokens");
        return;
    }
  }

  void read_few_shot(const JsonField& table, TaskForm& form) const {
    require_known(table, {"separator", "description", "example", "file", "same"});
    form.separator = table.string_or("separator", "\n\n");
    if (table.find("description")) form.description = template_at(table, "description");
    form.shot = find_template(table, "example");
    form.file = find_template(table, "file");
    form.same = find_template(table, "same");
  }

  void read_matches(const JsonField& task) {
    auto rule = std::make_shared<AnswerRule>();
    if (task.bool_or("compare", true)) {
      if (const auto matches = root_.find("match")) {
        for (const JsonField& match : matches->elements())
          rule->matches.push_back(match_of(match));
      } else {
        rule->matches.emplace_back();
      }
    }
    task_.answer = std::move(rule);
  }

  static AnswerMatch match_of(const JsonField& table) {
    require_known(table, {"name", "extract", "take", "ignore", "ignore-case", "ignore-punctuation"});
    AnswerMatch match;
    match.name = table.string_or("name", "");
    if (const auto pattern = table.find("extract"))
      match.extract.emplace(pattern->as_string(), "", pattern->where());
    match.last = choice_at<bool>(table, "take", {{"first", false}, {"last", true}}, false);
    if (const auto patterns = table.find("ignore"))
      for (const JsonField& pattern : patterns->elements())
        match.ignore.emplace_back(pattern.as_string(), "", pattern.where());
    match.ignore_case = table.bool_or("ignore-case", false);
    match.ignore_punctuation = table.bool_or("ignore-punctuation", false);
    return match;
  }

  const JsonField& root_;
  TaskDefinition& task_;
};

}  // namespace

TemplateValue TemplateList::evaluate(const JsonField& line) const {
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
  const nlohmann::json json = read_toml_file(path).raw();
  TaskDefinition task;
  task.path = path;
  task.sha256 = sha256_of_path(path);
  TaskFileReader(JsonField(json, path.string()), task).read();
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
