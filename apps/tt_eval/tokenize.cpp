// tt-eval tokenize: a text's token ids, and ids back to a text.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "io/text_file.hpp"
#include "model/language_model.hpp"
#include "report/json.hpp"
#include "report/listing.hpp"
#include "tokenizer/token_ids.hpp"
#include "tokenizer/unicode.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"

namespace toptheta::app {

namespace {

struct TokenizeFlags {
  std::string model{};
  std::string text{};
  std::string prompt{};
  std::string ids{};
  bool plain = false;
  std::optional<ResultFormat> format{};
  std::string output{};
};

// "1,2,3" as it stands, where it is nothing but numbers.
std::optional<std::vector<std::int32_t>> ids_of_list(const std::string& text, std::int64_t vocab_size) {
  if (text.empty() || text.find_first_not_of("0123456789, ") != std::string::npos) return std::nullopt;
  std::vector<std::int32_t> ids;
  for (std::size_t at = text.find_first_not_of(", "); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(", ", at), text.size());
    const std::string number = text.substr(at, end - at);
    if (number.size() > 9 || std::stoll(number) >= vocab_size)
      throw UsageError({.where = "--ids",
                        .what = "not a token id",
                        .expected = fmt::format("a number from 0 to {}", vocab_size - 1),
                        .found = number});
    ids.push_back(static_cast<std::int32_t>(std::stoll(number)));
    at = text.find_first_not_of(", ", end);
  }
  return ids;
}

std::vector<std::string> pieces_of(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::vector<std::string> pieces;
  pieces.reserve(ids.size());
  for (const std::int32_t id : ids)
    pieces.push_back(tokenizer.piece(id).value_or(""));
  return pieces;
}

nlohmann::ordered_json counts_of(const std::string& text, std::size_t tokens) {
  return {{"tokens", tokens}, {"characters", count_code_points(text)}, {"bytes", text.size()}};
}

class TokenizeCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  void print_ids(const Tokenizer& tokenizer, const Provenance& provenance) const;
  void print_text(const Tokenizer& tokenizer, const Provenance& provenance) const;
  [[nodiscard]] ResultFormat format() const {
    return flags_.format.value_or(result_format_of(flags_.output));
  }
  [[nodiscard]] std::string source_text() const {
    return flags_.text.empty() ? flags_.prompt : read_text_file(flags_.text);
  }

  TokenizeFlags flags_;
};

void TokenizeCommand::declare(CLI::App& app) {
  declare_model(app, flags_.model);
  app.add_option("--text", flags_.text, "Tokenize the text in this file")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option("--prompt", flags_.prompt, "Tokenize this text")->type_name("TEXT")->group(kInputGroup);
  app.add_option(
         "--ids", flags_.ids,
         "Convert these ids back to text: a .npy, .json or .jsonl file, or numbers separated by commas")
      ->type_name("FILE|N,N,...")
      ->group(kInputGroup);
  app.add_flag("--plain", flags_.plain,
               "Leave out the tokens that the tokenizer puts before and after a text; with --ids, leave "
               "special tokens out of the text")
      ->group(kInputGroup);
  add_format(app, flags_.format,
             "table = one token per line, or with --ids the text alone. By default, the ending of -o "
             "decides; without -o, a table");
  declare_output(app, flags_.output, "Write to this file instead of standard output");
}

void TokenizeCommand::print_ids(const Tokenizer& tokenizer, const Provenance& provenance) const {
  const std::string text = source_text();
  const std::vector<std::int32_t> ids = flags_.plain ? tokenizer.encode(text) : tokenizer.encode_framed(text);
  const std::vector<std::string> pieces = pieces_of(tokenizer, ids);
  if (format()->name == "json") {
    const nlohmann::ordered_json json = {{"schema", "toptheta.tokens/1"},
                                         {"ids", ids},
                                         {"pieces", pieces},
                                         {"counts", counts_of(text, ids.size())},
                                         {"provenance", json_of(provenance)}};
    return write_output(flags_.output, json.dump(2) + "\n");
  }
  Listing listing;
  listing.schema = "toptheta.tokens/1";
  listing.columns = {
      {"position", "position"}, {"id", "id"}, {"piece", "piece", false}, {"text", "text", false}};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string shown = tokenizer.decode({&ids[i], 1}, Tokenizer::Specials::written);
    listing.rows.push_back({i, ids[i], pieces[i], nlohmann::ordered_json(shown).dump()});
  }
  listing.notes = {
      fmt::format("{} tokens, {} characters, {} bytes", ids.size(), count_code_points(text), text.size())};
  write_output(flags_.output, format_listing(listing, format(), layout_of(flags_.output)));
}

void TokenizeCommand::print_text(const Tokenizer& tokenizer, const Provenance& provenance) const {
  const auto list = ids_of_list(flags_.ids, tokenizer.vocab_size());
  const std::vector<std::vector<std::int32_t>> sequences =
      list ? std::vector<std::vector<std::int32_t>>{*list}
           : read_token_ids(flags_.ids, tokenizer.vocab_size());
  const auto specials = flags_.plain ? Tokenizer::Specials::left_out : Tokenizer::Specials::written;
  std::string texts;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& ids : sequences) {
    const std::string text = tokenizer.decode(ids, specials);
    rows.push_back({{"ids", ids}, {"pieces", pieces_of(tokenizer, ids)}, {"text", text}});
    texts += text;
  }
  if (format()->name != "json") return write_output(flags_.output, texts);
  nlohmann::ordered_json json = {{"schema", "toptheta.tokens/1"}};
  if (rows.size() == 1) {
    json.update(rows[0]);
  } else {
    json["sequences"] = rows;
  }
  json["provenance"] = json_of(provenance);
  write_output(flags_.output, json.dump(2) + "\n");
}

void TokenizeCommand::run(Session& session) {
  const int given =
      (flags_.text.empty() ? 0 : 1) + (flags_.prompt.empty() ? 0 : 1) + (flags_.ids.empty() ? 0 : 1);
  if (given != 1)
    throw UsageError({.where = "tokenize",
                      .what = given == 0 ? "nothing to tokenize" : "more than one thing to tokenize",
                      .expected = "one of --text FILE, --prompt TEXT and --ids FILE"});
  for (const std::string& input : {flags_.text, flags_.ids}) {
    if (!input.empty()) require_distinct(flags_.output, input, "-o");
  }
  const std::filesystem::path model = resolve_model(flags_.model, session);
  const Tokenizer tokenizer = load_model_tokenizer(model);
  for (const std::string& note : tokenizer.notes())
    session.console.note(note);
  const Provenance provenance =
      session.provenance_of(flags_.text.empty() ? std::vector<std::filesystem::path>{}
                                                : std::vector<std::filesystem::path>{flags_.text});
  if (flags_.ids.empty()) {
    print_ids(tokenizer, provenance);
  } else {
    print_text(tokenizer, provenance);
  }
}

}  // namespace

std::unique_ptr<Command> make_tokenize_command() {
  return std::make_unique<TokenizeCommand>();
}

}  // namespace toptheta::app
