#include "page/assets.hpp"

namespace toptheta::page {

const char* const kPageStyle = R"css(
:root{--bg:#fff;--fg:#1c2024;--dim:#667;--line:#e3e5e8;color-scheme:light}
@media(prefers-color-scheme:dark){:root:not(.light){--bg:#14171a;--fg:#e8eaed;--dim:#9aa3ad;--line:#2c3238;color-scheme:dark}}
:root.dark{--bg:#14171a;--fg:#e8eaed;--dim:#9aa3ad;--line:#2c3238;color-scheme:dark}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:16px}h1{font-size:clamp(1.4rem,4vw,2.3rem);line-height:1.2;overflow-wrap:anywhere}
h2{margin:2.2em 0 .5em}.lead{max-width:75ch;overflow-wrap:anywhere}.charts{display:grid;gap:20px;grid-template-columns:repeat(auto-fill,minmax(min(320px,100%),1fr))}
figure{margin:0;min-width:0}figcaption{font-weight:600;font-size:.9rem;overflow-wrap:anywhere}svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--dim)}
.m{text-anchor:middle}.e{text-anchor:end}.g{stroke:var(--line)}.a{stroke:var(--dim)}.limit{stroke:#c0504d;stroke-dasharray:5 4}
.l,.b{fill:none}.l{stroke-width:2}.b{opacity:.5}.s0{--c:#0072b2}.s1{--c:#d55e00}.s2{--c:#009e73}.s3{--c:#cc79a7}.s4{--c:#e69f00}
.s5{--c:#56b4e9}.s6{--c:#8f6fc0}.s7{--c:#a8695b}.s8{--c:#888}.s9{--c:#7a9a30}.s{stroke:var(--c);fill:var(--c)}
.h0{fill:#2a78b515}.h1{fill:#2a78b52e}.h2{fill:#2a78b547}.h3{fill:#2a78b560}.h4{fill:#2a78b579}.h5{fill:#2a78b592}.h6{fill:#2a78b5ab}.h7{fill:#2a78b5c4}.h8{fill:#2a78b5dd}.h9{fill:#2a78b5}
.scroll{overflow-x:auto;max-width:100%}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 10px;border-bottom:1px solid var(--line);white-space:nowrap}th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible,svg:focus-visible,input:focus-visible{outline:2px solid #0072b2}code,li{overflow-wrap:anywhere}
#tip{position:fixed;left:12px;bottom:12px;right:12px;max-width:620px;background:var(--fg);color:var(--bg);padding:6px 10px;border-radius:6px;font-size:.85rem}#tip:empty{display:none}
@media print{#tip,button,input{display:none}:root{--bg:#fff;--fg:#000}figure{break-inside:avoid}}
)css";

const char* const kPageScript = R"js(
'use strict';(()=>{const $=s=>document.querySelector(s),tip=$('#tip');
$('#theme').onclick=()=>{const r=document.documentElement,d=r.classList.contains('dark')||(!r.classList.contains('light')&&matchMedia('(prefers-color-scheme: dark)').matches);r.className=d?'light':'dark'};
document.addEventListener('mouseover',e=>{const t=e.target.closest&&e.target.closest('[data-t]');tip.textContent=t?t.dataset.t:''});
document.addEventListener('keydown',e=>{const s=e.target;if(!s.matches||!s.matches('svg')||!/^Arrow/.test(e.key))return;e.preventDefault();
const p=[...s.querySelectorAll('[data-t]')];if(!p.length)return;s.at=((s.at===undefined?-1:s.at)+(/Right|Down/.test(e.key)?1:-1)+p.length)%p.length;tip.textContent=p[s.at].dataset.t});
const table=$('#cells'),body=table.tBodies[0],key=c=>c.dataset.v!==undefined?(c.dataset.v===''?NaN:+c.dataset.v):c.textContent;
table.querySelectorAll('th button').forEach((b,i)=>b.onclick=()=>{const h=b.parentNode,up=h.getAttribute('aria-sort')!=='ascending';
table.querySelectorAll('th').forEach(t=>t.setAttribute('aria-sort','none'));h.setAttribute('aria-sort',up?'ascending':'descending');
[...body.rows].sort((x,y)=>{const a=key(x.cells[i]),c=key(y.cells[i]);if(a!==a)return 1;if(c!==c)return -1;return(a<c?-1:a>c?1:0)*(up?1:-1)}).forEach(r=>body.append(r))});
const filter=()=>{const w=$('#filter').value.toLowerCase().split(/\s+/);let n=0;for(const r of body.rows){const t=r.textContent.toLowerCase();r.hidden=!w.every(x=>t.includes(x));n+=!r.hidden}$('#count').textContent=n+' of '+body.rows.length};
$('#filter').oninput=filter;filter();
document.querySelectorAll('.csv').forEach(b=>b.onclick=()=>{const t=document.getElementById(b.dataset.of),q=c=>'"'+(c.dataset.v!==undefined?c.dataset.v:c.textContent).replace(/"/g,'""')+'"';
const a=document.createElement('a');a.href=URL.createObjectURL(new Blob([[...t.rows].filter(r=>!r.hidden).map(r=>[...r.cells].map(q).join(',')).join('\n')+'\n'],{type:'text/csv'}));a.download='cells.csv';a.click()});
})();
)js";

}  // namespace toptheta::page
