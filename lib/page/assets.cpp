#include "page/assets.hpp"

namespace toptheta::page {

const char* const kPageStyle = R"css(
:root{--bg:#fff;--fg:#1c2024;--dim:#5c6570;--line:#e1e4e8;--soft:#f4f6f8;--warn:#b3402e;color-scheme:light}
@media(prefers-color-scheme:dark){:root:not(.light){--bg:#14171a;--fg:#e8eaed;--dim:#a3acb5;--line:#2d333a;--soft:#1c2025;--warn:#f08a78;color-scheme:dark}}
:root.dark{--bg:#14171a;--fg:#e8eaed;--dim:#a3acb5;--line:#2d333a;--soft:#1c2025;--warn:#f08a78;color-scheme:dark}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:1240px;margin:0 auto;padding:16px}.top{display:flex;justify-content:space-between;align-items:center;margin:0}
h1{font-size:clamp(1.4rem,3.4vw,2.1rem);line-height:1.25;max-width:32em}h1,h3,p,li,dd,summary,figcaption,.key{overflow-wrap:anywhere}
h2{margin:2.4em 0 .6em;padding-top:.6em;border-top:1px solid var(--line)}h3{margin:0 0 .4em;font-size:1.05rem}.lead{max-width:80ch}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.9rem}a{color:inherit}
.cards{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr))}.card{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:14px 16px;min-width:0}
dl{margin:0;display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 14px;font-size:.92rem}dt{color:var(--dim)}dd{margin:0}dd code{font-size:.82em}
.charts{display:grid;gap:20px;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));align-items:start}.charts>div,figure{min-width:0}
figure{margin:1.4em 0 2.2em}figcaption{font-weight:600}.note,.sub{margin:.2em 0 .6em;font-size:.88rem;color:var(--dim);max-width:90ch}.sub{color:inherit}
.key{list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:.2em 0 .8em;padding:0;font-size:.88rem}.key svg{width:14px;height:14px;vertical-align:-2px;margin-right:5px}
.charts svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--dim)}
.m{text-anchor:middle}.e{text-anchor:end}.g{stroke:var(--line)}.a{stroke:var(--dim)}.limit{stroke:var(--warn);stroke-dasharray:5 4}svg .limit-name{fill:var(--warn)}
.l,.b,.t{fill:none}.l{stroke-width:2}.b{opacity:.55}.band{opacity:.15;stroke:none}.bar{fill:#2a78b5}[data-t]:hover,.now{stroke:var(--fg);stroke-width:2}
.s0{--c:#1f7fbf}.s1{--c:#d55e00}.s2{--c:#009e73}.s3{--c:#c76a9f}.s4{--c:#c08000}.s5{--c:#a8695b}.s6{--c:#8f6fc0}.s7{--c:#35a0d8}.s8{--c:#808890}.s9{--c:#7a9a30}.s{stroke:var(--c);fill:var(--c)}
.h0{fill:#2a78b515}.h1{fill:#2a78b52e}.h2{fill:#2a78b547}.h3{fill:#2a78b560}.h4{fill:#2a78b579}.h5{fill:#2a78b592}.h6{fill:#2a78b5ab}.h7{fill:#2a78b5c4}.h8{fill:#2a78b5dd}.h9{fill:#2a78b5}.hx{fill:none;stroke:var(--line)}.peak{stroke:#d55e00;stroke-width:2}
figure,.scroll{content-visibility:auto;contain-intrinsic-size:auto 600px}.scroll{overflow:auto;max-width:100%;max-height:75vh}table{margin-bottom:.4em;border-collapse:collapse;font-size:.84rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 10px;border-bottom:1px solid var(--line);white-space:nowrap}th{position:sticky;top:0;background:var(--bg);white-space:normal;vertical-align:bottom}.r{text-align:right}th button{all:unset;cursor:pointer;font-weight:600}
th button::after{content:' \2195';color:var(--dim);opacity:.5}th[aria-sort=ascending] button::after{content:' \25B2';opacity:1}th[aria-sort=descending] button::after{content:' \25BC';opacity:1}
:focus-visible{outline:2px solid #1f7fbf;outline-offset:2px}.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:.5em 0;font-size:.9rem}input{font:inherit;width:min(22em,60vw)}button{font:inherit;font-size:.88rem}
details{margin:.6em 0}summary{cursor:pointer;font-size:.9rem}code{overflow-wrap:anywhere}td code{white-space:normal;display:inline-block;min-width:min(50ch,70vw)}
#tip{position:fixed;left:12px;bottom:12px;max-width:min(620px,calc(100vw - 24px));background:var(--fg);color:var(--bg);padding:6px 10px;border-radius:6px;font-size:.85rem;pointer-events:none;overflow-wrap:anywhere}#tip:empty{display:none}
@page{margin:12mm}@media print{:root,:root.dark,:root:not(.light){--bg:#fff;--fg:#000;--dim:#444;--line:#ccc;--soft:#fff;--warn:#b3402e;color-scheme:light}#tip,button.csv,#theme,label,nav,details:not([open]){display:none}figure,.scroll{content-visibility:visible}tr>:nth-child(n+13){display:none}.scroll:has(th:nth-child(13))::after{content:'Further columns: in the page itself.';font-size:8pt}main{max-width:none;padding:0}.scroll{max-height:none;overflow:visible}table{font-size:6.5pt;width:100%}th,td{white-space:normal;padding:1px 4px;overflow-wrap:anywhere}th{position:static}th button::after{content:''!important}.charts>div,.card,tr{break-inside:avoid}.charts{grid-template-columns:repeat(3,1fr)}h2,h3,figcaption{break-after:avoid}}
)css";

const char* const kPageScript = R"js(
'use strict';(()=>{const all=(s,r=document)=>[...r.querySelectorAll(s)],id=s=>document.getElementById(s),tip=id('tip'),root=document.documentElement;
id('theme').onclick=()=>{const d=root.classList.contains('dark')||(!root.classList.contains('light')&&matchMedia('(prefers-color-scheme: dark)').matches);root.className=d?'light':'dark'};
document.addEventListener('mouseover',e=>{const t=e.target.closest&&e.target.closest('[data-t]');tip.textContent=t?t.dataset.t:''});
document.addEventListener('keydown',e=>{if(e.key==='Escape')tip.textContent='';const s=e.target;if(!s.matches||!s.matches('svg')||!/^Arrow/.test(e.key))return;e.preventDefault();
const p=all('[data-t]',s);if(!p.length)return;if(s.at!==undefined)p[s.at].classList.remove('now');s.at=((s.at===undefined?(/Right|Down/.test(e.key)?-1:0):s.at)+(/Right|Down/.test(e.key)?1:-1)+p.length)%p.length;p[s.at].classList.add('now');tip.textContent=p[s.at].dataset.t});
document.addEventListener('focusout',e=>{if(e.target.at!==undefined){all('.now',e.target).forEach(p=>p.classList.remove('now'));tip.textContent=''}});
const isNumber=c=>c.dataset.v!==undefined||c.classList.contains('r'),value=c=>{const t=c.dataset.v!==undefined?c.dataset.v:c.textContent;return t===''||isNaN(t)?NaN:+t};
const order=(x,y,up)=>{if(isNumber(x)||isNumber(y)){const a=value(x),b=value(y);if(a!==a)return b!==b?0:1;if(b!==b)return-1;return up?a-b:b-a}
const c=x.textContent.localeCompare(y.textContent,'en',{numeric:true});return up?c:-c};
all('table').forEach(table=>{const heads=all('thead th',table),body=table.tBodies[0];heads.forEach((h,i)=>{h.firstElementChild.onclick=()=>{const up=h.getAttribute('aria-sort')!=='ascending';
heads.forEach(t=>t.setAttribute('aria-sort','none'));h.setAttribute('aria-sort',up?'ascending':'descending');
body.append(...[...body.rows].sort((x,y)=>order(x.cells[i],y.cells[i],up)))}})});
all('input[type=search]').forEach(input=>{const table=id(input.dataset.of),names=all('thead th',table).map(h=>h.textContent.toLowerCase().replace(/\s/g,'')),rows=[...table.tBodies[0].rows],texts=rows.map(r=>r.textContent.toLowerCase());
const test=w=>{const m=/^([^<>]+)([<>])(-?[\d.]+(?:e-?\d+)?)(%?)$/.exec(w),c=m?names.findIndex(n=>n.startsWith(m[1])):-1;if(c<0)return i=>texts[i].includes(w);
const limit=+m[3]/(m[4]?100:1);return i=>{const v=value(rows[i].cells[c]);return m[2]==='<'?v<limit:v>limit}};
const filter=()=>{const tests=input.value.toLowerCase().split(/\s+/).filter(w=>w).map(test);let n=0;rows.forEach((r,i)=>{r.hidden=!tests.every(t=>t(i));n+=!r.hidden});
all('.count').forEach(c=>{if(c.dataset.of===input.dataset.of)c.textContent=n+' of '+rows.length+' rows'})};input.oninput=filter;filter()});
all('.csv').forEach(b=>b.onclick=()=>{const t=id(b.dataset.of),q=c=>{const v=c.dataset.v!==undefined?c.dataset.v:c.textContent;return/[",\r\n]/.test(v)?'"'+v.replace(/"/g,'""')+'"':v};
const a=document.createElement('a'),url=URL.createObjectURL(new Blob([[...t.rows].filter(r=>!r.hidden).map(r=>[...r.cells].map(q).join(',')).join('\r\n')+'\r\n'],{type:'text/csv'}));a.href=url;a.download=b.dataset.of+'.csv';a.click();setTimeout(()=>URL.revokeObjectURL(url),9e3)});
})();
)js";

}  // namespace toptheta::page
