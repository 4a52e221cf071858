#include "jinja/template.hpp"

#include <fstream>

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

using OrderedJson = nlohmann::ordered_json;

std::string rendered(const std::string& source, const OrderedJson& variables = OrderedJson::object()) {
  return jinja::Template(source, "chat").render(variables);
}

// Where and what is refused, or the text.
std::string refused(const std::string& source, const OrderedJson& variables = OrderedJson::object()) {
  try {
    return "text: " + rendered(source, variables);
  } catch (const InputError& error) {
    return error.problem().where + ": " + error.problem().what;
  }
}

}  // namespace

TEST_CASE("chat templates print what Hugging Face's transformers print", "[jinja]") {
  std::ifstream file("tests/jinja/golden.json");
  REQUIRE(file.good());
  const OrderedJson golden = OrderedJson::parse(file);
  REQUIRE(golden["cases"].size() > 100);
  for (const OrderedJson& test : golden["cases"]) {
    OrderedJson variables = {{"messages", golden["conversations"][test["conversation"].get<std::size_t>()]},
                             {"tools", nullptr},
                             {"documents", nullptr},
                             {"add_generation_prompt", test["prompt"]},
                             {"bos_token", "<s>"},
                             {"eos_token", "</s>"}};
    variables.update(golden["more"][test["more"].get<std::size_t>()]);
    const auto name = test["template"].get<std::string>();
    const auto source = golden["templates"][name].get<std::string>();
    INFO(name << ", conversation " << test["conversation"] << ", more " << test["more"]);
    if (test["text"].is_null()) {
      CHECK_THROWS_AS(rendered(source, variables), InputError);
    } else {
      CHECK(refused(source, variables) == "text: " + test["text"].get<std::string>());
    }
  }
}

TEST_CASE("text around tags is printed as it is", "[jinja]") {
  const OrderedJson name = {{"x", "Ann"}};
  for (const std::string text : {"Hello", "\x1b]0;title\x07", "a { b } {", "{", "}}", "{a}", "%}", ""})
    CHECK(rendered(text, name) == text);
  CHECK(rendered("Hello {{ x }}, {bye}", name) == "Hello Ann, {bye}");
  CHECK(rendered("a{# no #}b {", name) == "ab {");
  CHECK(refused("Hello {{", name).find("chat, line 1: ") == 0);
  CHECK(refused("Hello {%", name).find("chat, line 1: ") == 0);
  CHECK(refused("Hello {#", name).find("chat, line 1: ") == 0);
}

TEST_CASE("signs bind as in Jinja, and booleans count as integers", "[jinja]") {
  CHECK(rendered("{{ -3 | abs }} {{ -3 is not odd }} {{ -3 is string }} {{ - 3 }}") == "3 False False -3");
  CHECK(rendered("{{ -2 ** 2 }} {{ 2 ** -1 }} {{ 2 * -3 }} {{ -(1, 2)[0] }}") == "4 0.5 -6 -1");
  CHECK(rendered("{{ 10 // true }} {{ true + true }} {{ true | abs }} {{ -true }} {{ +true }}") ==
        "10 2 1 -1 1");
  CHECK(rendered("{{ 10 // 3 is not even }} {{ 7 % true }} {{ 1 == true }} {{ 1 / true }}") ==
        "10 0 True 1.0");
}

TEST_CASE("tuples print, compare and are cut as Python's", "[jinja]") {
  CHECK(rendered("{{ (1, 'a') }} {{ (1,) }} {{ () }} {{ 1, 2 }}") == "(1, 'a') (1,) () (1, 2)");
  CHECK(rendered("{{ [(1, 2), [3]] }} {{ {'k': (1, 2)} }}") == "[(1, 2), [3]] {'k': (1, 2)}");
  CHECK(rendered("{{ (1, 2) == [1, 2] }} {{ (1, 2) == (1, 2) }} {{ (1, 2) < (1, 3) }}") == "False True True");
  CHECK(rendered("{{ (1, 2, 3)[1:] }} {{ (1, 2)[0] }} {{ (1,) + (2,) }}") == "(2, 3) 1 (1, 2)");
  CHECK(rendered("{{ (1, 2) | list }} {{ (2, 1) | sort }} {{ (1, 2) | tojson }}") == "[1, 2] [1, 2] [1, 2]");
  CHECK(rendered("{% set x = 1, 2 %}{{ x }}{% for a, b in [(1, 2)] %} {{ a }}{{ b }}{% endfor %}") ==
        "(1, 2) 12");
  CHECK(rendered("{{ {'b': 1, 'a': 2} | dictsort }} {{ {'b': 1} | items | list }}") ==
        "[('a', 2), ('b', 1)] [('b', 1)]");
  CHECK(refused("{{ (1,) + [2] }}").find("chat, line 1: ") == 0);
  CHECK(refused("{{ (1,) < [2] }}") == "chat, line 1: a tuple and a list have no order");
}

// What nests or repeats without end ends in a message, in bounded time and memory.
TEST_CASE("templates that are bombs are refused", "[jinja]") {
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i)
      all += text;
    return all;
  };
  constexpr int kDeep = 20'000;
  const auto refuses = [&](const std::string& source) {
    INFO(source.substr(0, 40));
    CHECK(refused(source).find("chat, line ") == 0);
  };
  for (const char* open :
       {"(", "[", "{1:", "not ", "-", "x[", "x(", "'a' ~ (", "{'a': [", "1 if 1 else (", "1 and ("})
    refuses("{{ " + repeated(open, kDeep));
  refuses("{{ " + repeated("(", kDeep) + "1" + repeated(")", kDeep) + " }}");
  for (const char* open : {"{% if 1 %}", "{% for i in x %}", "{% filter upper %}", "{% set x %}",
                           "{% if 1 %}{% else %}{% if 1 %}"})
    refuses(repeated(open, kDeep));
  // Values that hold each other ever deeper, and text that doubles.
  refuses("{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}");
  refuses(
      "{% set ns = namespace(x=()) %}{% for i in range(100000) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}");
  refuses("{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}");
  refuses("{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}");
  refuses(
      "{% set ns = namespace(x=1) %}{% for i in range(100) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ "
      "ns.x }}");
  refuses("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
  refuses("{% for i in range(99999999999) %}{% endfor %}");
  refuses(repeated("{% for i in range(1000) %}", 20) + repeated("{% endfor %}", 20));
}

TEST_CASE("what a template may not do is refused with its line", "[jinja]") {
  CHECK(refused("a\n{{ raise_exception('no ' ~ 1) }}") == "chat, line 2: the template says: no 1");
  CHECK(refused("\n\n{% call x() %}") == "chat, line 3: the statement 'call' is not supported, found 'x'");
  CHECK(refused("{{ 'a' | shout }}") == "chat, line 1: the filter 'shout' is not supported");
  CHECK(refused("{{ 1 is lucky }}") == "chat, line 1: the test 'lucky' is not supported");
  CHECK(refused("{{ 'a'.encode() }}") == "chat, line 1: the method 'encode' of a string is not supported");
  CHECK(refused("{{ [].append(1) }}") == "chat, line 1: the method 'append' of a list is not supported");
  CHECK(refused("{{ nothing.there }}") == "chat, line 1: 'nothing' is not defined: no 'there' in it");
  CHECK(refused("{{ 1 + nothing }}") == "chat, line 1: 'nothing' is not defined (+)");
  CHECK(refused("{{ 'a' + 1 }}") == "chat, line 1: '+' of a string and an integer is not supported");
  CHECK(refused("{{ 1 / 0 }}") == "chat, line 1: division by zero");
  CHECK(refused("{% for a, b in [[1]] %}{% endfor %}") == "chat, line 1: 2 names for 1 values");
  CHECK(refused("{% for i in [1] %}{% macro f() %}{% endmacro %}{% endfor %}") ==
        "chat, line 1: a macro inside a loop is not supported");
}

TEST_CASE("what is no template is refused with its line", "[jinja]") {
  for (const char* source : {"{{",
                             "{% if %}",
                             "{% if x %}",
                             "{% endif %}",
                             "{{ 'a }}",
                             "{{ a b }}",
                             "{# a",
                             "{% for in x %}{% endfor %}",
                             "{{ (1 }}",
                             "{{ [1, }}",
                             "{{ {'a' 1} }}",
                             "{{ a | }}",
                             "{{ a is }}",
                             "{% set 1 = 2 %}",
                             "{% raw %}a",
                             "{{ a. }}",
                             "{{ a[ }}",
                             "{{ f(*x) }}",
                             "{{ ? }}",
                             "{% set a %}",
                             "{% macro f( %}",
                             "{{ '\\ud800' }}",
                             "{{ 99999999999999999999 }}",
                             "{% else %}",
                             "{% elif x %}",
                             "{%",
                             "{{ a[1:2:3:4] }}"}) {
    INFO(source);
    CHECK_THROWS_AS(jinja::Template(source, "chat"), InputError);
  }
}

TEST_CASE("templates that run away are stopped", "[jinja]") {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "(";
  CHECK_THROWS_AS(jinja::Template("{{ " + deep + "1", "chat"), InputError);
  std::string nots;
  for (int i = 0; i < 100'000; ++i)
    nots += "not ";
  CHECK_THROWS_AS(jinja::Template("{{ " + nots + "1 }}", "chat"), InputError);
  std::string ifs;
  for (int i = 0; i < 100'000; ++i)
    ifs += "{% if x %}";
  CHECK_THROWS_AS(jinja::Template(ifs, "chat"), InputError);
  std::string elifs = "{% if a %}";
  for (int i = 0; i < 100'000; ++i)
    elifs += "{% elif x %}";
  CHECK_THROWS_AS(jinja::Template(elifs + "{% endif %}", "chat"), InputError);
  CHECK_THROWS_AS(rendered("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}"), InputError);
  CHECK_THROWS_AS(
      rendered("{% set r = range(100000) %}{% for a in r %}{% for b in r %}{{ a }}{% endfor %}{% endfor %}"),
      InputError);
  std::string sum = "1";
  for (int i = 0; i < 100'000; ++i)
    sum += " + 1";
  CHECK_THROWS_AS(jinja::Template("{{ " + sum + " }}", "chat"), InputError);
  CHECK_THROWS_AS(
      rendered("{% set n = namespace(s=[]) %}{% for i in range(90000) %}{% set n.s = [n.s] %}{% endfor %}"),
      InputError);
  CHECK_THROWS_AS(rendered("{% set n = namespace() %}{% set n.a = [n] %}"), InputError);
  CHECK_THROWS_AS(rendered("{{ 'x' * 100000000 }}"), InputError);
  CHECK_THROWS_AS(rendered("{{ range(10000000) }}"), InputError);
  CHECK_THROWS_AS(
      rendered("{% set n = namespace(s='xxxxxxxx') %}{% for i in range(40) %}{% set n.s = n.s + n.s %}"
               "{% endfor %}{{ n.s }}"),
      InputError);
}
