#!/usr/bin/env python3
"""What Hugging Face's transformers make of chat templates: tests/jinja/golden.json.

Needs the package transformers (PyPI); the tests need only the file:  tools/chat_golden.py -o tests/jinja/golden.json
The templates are written for this purpose, in the manner of well-known models' and with what such templates use.
"""
import argparse
import json

from transformers.utils.chat_template_utils import render_jinja_template

TEMPLATES = {
    "chatml": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are a helpful assistant<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}""",
    "header ids": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message, out of the way. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable and message.content is not string %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "thinking": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index %}
            {%- if loop.last or (not loop.last and reasoning_content) %}
                {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|im_start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "inst": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message["role"] == "user") != (loop.index0 % 2 == 0) and not (message.tool_calls is defined and message.tool_calls is not none) and message.role != 'tool' %}
        {{- raise_exception("After the optional system message, conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " ~ message["content"] ~ "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- endif %}
{%- endfor %}
""",
    "turns": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
""",
    "plain lines": """{% for message in messages %}
  {% if message.role == 'user' %}
<|user|>
{{ message.content }}<|end|>
  {% elif message.role == 'assistant' %}
<|assistant|>
{% generation %}{{ message.content }}<|end|>
{% endgeneration %}
  {% else %}
{{ message.role | upper }}: {{ message.content }}
  {% endif %}
{% endfor %}
{% if add_generation_prompt %}<|assistant|>{% else %}{{ eos_token }}{% endif %}

""",
    "macros": """{%- macro line(name, text='nothing', mark="*") %}
{{ mark }} {{ name }}: {{ text | default('none', true) }}
{%- endmacro %}
{%- macro all(items) -%}
{%- for key, value in items | dictsort %}{{ line(key, value) }}{% endfor -%}
{%- endmacro %}
{%- set state = namespace(count=0, seen=[]) -%}
{%- for m in messages if m.role != 'system' -%}
  {%- set state.count = state.count + 1 -%}
  {%- set state.seen = state.seen + [m.role] -%}
  {{- all({'role': m.role, 'text': m.content, 'at': loop.index ~ '/' ~ loop.length}) }}
{%- else -%}
  nobody
{%- endfor %}
{{ state.count }} of {{ messages | length }}: {{ state.seen | join(', ') }}; {{ state.seen | unique | list }}
{{ messages | map(attribute='role') | list }} {{ messages | rejectattr('role', 'in', ['user']) | map(attribute='content') | join(' | ') }}""",
    "expressions": """{% set x = [3, 1, 2] %}{% set d = {'b': 1, 'a': [true, none, 1.5, 'q"\\'']} %}
{{ x | sort }} {{ x | sort(reverse=true) | first }} {{ x[-1] }} {{ x[1:] }} {{ x[::-1] }} {{ x | sum }} {{ x | max }} {{ 'abc'[1:] }}
{{ d }} {{ d | tojson }} {{ d.items() | list | length }} {{ d.get('c', 'no') }} {{ d.keys() | list }} {{ 'a' in d }} {{ 'z' not in d }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 5 }} {{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 1 < 2 < 3 }} {{ not 1 == 2 }}
{{ 'x' if false }}{{ 'y' if true else 'z' }} {{ none }} {{ true }} {{ 1.0 }} {{ 'a' ~ 1 ~ none }} {{ "é" | length }} {{ undefined_thing }}
{{ 'Hello World' | replace('o', '0') }} {{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ '-'.join(['a', 'b']) }}
{{ 'hello world' | title }} {{ 'HELLO' | capitalize }} {{ '  x ' | trim }}| {{ 'xxaxx'.strip('x') }} {{ 'abc'.startswith(('x', 'a')) }}
{{ '1' | int + 1 }} {{ 'z' | int(5) }} {{ '2.5' | float }} {{ 3 | string + '!' }} {{ 5 is odd }} {{ 4 is divisibleby 2 }} {{ x is iterable }} {{ d is mapping }}
{{ range(3) | list }} {{ range(1, 7, 2) | list }} {{ 'line\\nnext' | indent(2) }} {{ 'line\\nnext' | indent(2, true) }} {{ x | map('string') | join('+') }}
{% for k, v in d.items() %}{{ k }}={{ v }}{% if not loop.last %}, {% endif %}{% endfor %}
{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% set block %}in a {{ 'block' | upper }}{% endset %}{{ block }} {% filter upper %}filtered {{ 1 }}{% endfilter %}
{% raw %}{{ not run }}{% endraw %} {# nothing #}{{ '{{' }} {{ 'tab\\tquote\\'' }} {{ ['a', 'b'] | last }} {{ {'a': {'b': 2}}['a']['b'] }} {{ ('a', 'b')[1] }}
{{ [1, 'a', none] == [1, 'a', none] }} {{ 'b' > 'a' }} {{ [1, 2] + [3] }} {{ 'ab' * 2 }} {{ x | reverse | list }} {{ 'abc' | reverse }} {{ messages[0].missing is defined }}
{{ messages | selectattr('content') | list | length }} {{ 'é漢' | tojson }} {{ 'a<b>&' | tojson }} {{ [] | tojson(indent=2) }} {{ [1, {'a': 2}] | tojson(indent=2) }} {{ 'x' in 'xyz' }}
    {%+ if true %}kept{% endif +%}
after {%- if true -%}   tight   {%- endif -%}  end""",
}

TOOL = {"type": "function", "function": {"name": "weather", "description": "It's \"the\" weather <now>", "parameters": {
    "type": "object", "properties": {"place": {"type": "string", "enum": ["Zürich", "東京"]}}, "required": ["place"]}}}
CONVERSATIONS = [
    [{"role": "user", "content": "Hello"}],
    [{"role": "system", "content": "  Be brief.\n"}, {"role": "user", "content": " What is 1+1? "}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "\n<think>\nhm\n</think>\n\nb "},
     {"role": "user", "content": "漢字 é 👍 <|im_end|>"}],
    [{"role": "system", "content": "S"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "x"},
     {"role": "user", "content": ""}, {"role": "assistant", "content": "last"}],
    [{"role": "user", "content": "Weather?"},
     {"role": "assistant", "content": "", "tool_calls": [
         {"type": "function", "function": {"name": "weather", "arguments": {"place": "Zürich", "days": 2}}}]},
     {"role": "tool", "content": "{\"t\": 20}"}, {"role": "assistant", "content": "20 degrees"}],
    [{"role": "user", "content": [{"type": "text", "text": " see "}, {"type": "image"}]}],
    [{"role": "assistant", "content": "first"}, {"role": "assistant", "content": "twice"}],
]
MORE = [{}, {"tools": [TOOL]}, {"enable_thinking": False, "date_string": "1 Jan 2030"}]


def render(template, messages, prompt, more):
    more = dict(more)
    tools = more.pop("tools", None)
    try:
        rendered, _ = render_jinja_template([messages], tools=tools, chat_template=template, add_generation_prompt=prompt,
                                            bos_token="<s>", eos_token="</s>", **more)
        return rendered[0]
    except Exception:  # pylint: disable=broad-except; that there is one is the answer
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", required=True)
    options = parser.parse_args()
    golden = {"templates": TEMPLATES, "conversations": CONVERSATIONS, "more": MORE, "cases": []}
    for name, template in TEMPLATES.items():
        for c, messages in enumerate(CONVERSATIONS):
            for m, more in enumerate(MORE):
                prompt = (c + m) % 2 == 0
                text = render(template, messages, prompt, more)
                golden["cases"].append({"template": name, "conversation": c, "more": m, "prompt": prompt, "text": text})
    with open(options.o, "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=True, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
