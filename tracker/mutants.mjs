// Print every mutant of web/tracker.js as JSON: where it is, what it replaces, and by what. mutate.py runs them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../build/tracker/node_modules/', import.meta.url));
const { parse } = require('acorn');

const source = readFileSync(new URL('../web/tracker.js', import.meta.url), 'utf8');
const OPERATORS = {
  '===': '!==', '!==': '===', '<': '<=', '<=': '<', '>': '>=', '>=': '>', '+': '-', '-': '+', '*': '/', '**': '*',
  '>>': '<<', '&': '|', '&&': '||', '||': '&&', '+=': '-=', '-=': '+=', '++': '--', in: 'instanceof',
};
const mutants = [];
const text = (node) => source.slice(node.start, node.end);
const add = (node, replacement, kind) => {
  mutants.push({ start: node.start, end: node.end, line: node.loc.start.line, kind, from: text(node), to: replacement });
};

const mutate = (node) => {
  if (node.left && OPERATORS[node.operator]) {
    const between = source.slice(node.left.end, node.right.start).replace(node.operator, OPERATORS[node.operator]);
    add({ ...node, start: node.left.end, end: node.right.start }, between, 'operator');
  }
  if (node.type === 'UpdateExpression') add(node, text(node).replace('++', '--'), 'operator');
  if (node.type === 'UnaryExpression' && node.operator === '!') add(node, text(node.argument), 'negation');
  if (node.type === 'ConditionalExpression' || node.type === 'IfStatement') {
    add(node.test, 'true', 'condition');
    add(node.test, 'false', 'condition');
  }
  if (node.type === 'Literal' && typeof node.value === 'number') {
    if (node.value < 100) add(node, String(node.value + 1), 'number'); // a millisecond or byte more changes nothing
    if (node.value) add(node, '0', 'number');
  }
  if (node.type === 'Literal' && typeof node.value === 'string' && node.value) add(node, "''", 'string');
  if (node.type === 'Literal' && typeof node.value === 'boolean') add(node, String(!node.value), 'boolean');
  if (node.type === 'ExpressionStatement') add(node, ';', 'statement');
  if (node.type === 'ReturnStatement' && node.argument) add(node, `return void (${text(node.argument)});`, 'result');
};

const walk = (node) => {
  mutate(node);
  for (const child of Object.values(node).flat()) if (child && typeof child.type === 'string') walk(child);
};

walk(parse(source, { ecmaVersion: 2018, locations: true }).body[0].expression.callee.body);
console.log(JSON.stringify(mutants));
