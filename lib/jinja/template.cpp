#include "jinja/template.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "jinja/interpreter.hpp"

namespace toptheta::jinja {

struct Template::Impl {
  std::string where;
  Block block;

  [[noreturn]] void fail(const TemplateError& error) const {
    throw InputError({.where = fmt::format("{}, line {}", where, error.line()),
                      .what = error.what(),
                      .next = "docs/tokenizers.md lists what chat templates may use"});
  }
};

Template::Template(std::string_view source, std::string where) : impl_(std::make_unique<Impl>()) {
  impl_->where = std::move(where);
  try {
    impl_->block = parse_template(source);
  } catch (const TemplateError& error) {
    impl_->fail(error);
  }
}

Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

std::string Template::render(const nlohmann::ordered_json& variables) const {
  try {
    return Interpreter::run(impl_->block, Value::of_json(variables).dict());
  } catch (const TemplateError& error) {
    impl_->fail(error);
  }
}

}  // namespace toptheta::jinja
