// A browser that a test uses: node driver.mjs PORT
//
// Each POST to 127.0.0.1:PORT is one step, such as {"tab":"viewer","do":"click","name":"Stop"}, in a real headless Chromium;
// the answer is {"value":…} or {"error":"…"}. Elements are found as screen readers name them.
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How long an element or a state is waited for, in milliseconds. */
const PATIENCE = 30_000;

const browser = await puppeteer.launch({
  // It ends with this program, however that ends.
  pipe: true,
  executablePath: process.env.CHROMIUM || 'chromium',
  userDataDir: mkdtempSync(join(tmpdir(), 'console-')),
  args: [
    '--no-sandbox', '--disable-gpu', '--mute-audio', '--disable-dev-shm-usage', '--autoplay-policy=no-user-gesture-required',
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
  ],
});

/** A page of another origin, which the driver itself serves at `/`. */
let served = { html: '', policy: '' };

/** Each tab with what went wrong in it and what it loaded. */
const tabs = new Map();

async function tabOf(name) {
  const known = tabs.get(name);
  if (known) return known;
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const tab = { page, faults: [], loaded: [] };
  page.on('pageerror', (error) => tab.faults.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && tab.faults.push(`console: ${message.text()}`));
  page.on('response', async (response) => {
    const entry = { url: response.url(), status: response.status(), body: '' };
    tab.loaded.push(entry);
    const type = response.headers()['content-type'] ?? '';
    if (/json|text|javascript|mpegurl/.test(type) && !/event-stream/.test(type)) entry.body = await response.text().catch(() => '');
  });
  // What a policy refuses is a fault, wherever it happens.
  await page.evaluateOnNewDocument(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI}`));
    window.shifts = 0;
    const add = (list) => list.getEntries().forEach(({ hadRecentInput, value }) => hadRecentInput || (window.shifts += value));
    new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
  });
  tabs.set(name, tab);
  return tab;
}

const named = (name, role) => `::-p-aria([name="${name.replaceAll('"', '\\"')}"]${role ? `[role="${role}"]` : ''})`;

const steps = {
  open: async ({ page }, { url }) => void (await page.goto(url, { waitUntil: 'load' })),
  click: async ({ page }, { name, role }) => page.locator(named(name, role)).click(),
  fill: async ({ page }, { name, value }) => page.locator(named(name)).fill(value),
  press: async ({ page }, { key }) => page.keyboard.press(key),
  type: async ({ page }, { value }) => page.keyboard.type(value),
  evaluate: async ({ page }, { script }) => page.evaluate(script),
  wait: async ({ page }, { script }) => void (await page.waitForFunction(script, { polling: 100 })),
  view: async ({ page }, { width, height, scheme }) => {
    await page.setViewport({ width, height, isMobile: width < 600, hasTouch: width < 600 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  },
  fresh: async ({ page }) => page.setCacheEnabled(false),
  screenshot: async ({ page }, { path, whole }) => void (await page.screenshot({ path, fullPage: whole })),
  /** What a copy button has put into the clipboard. */
  copied: async ({ page }) => {
    const rights = ['clipboard-read', 'clipboard-write', 'clipboard-sanitized-write'];
    await browser.defaultBrowserContext().overridePermissions(new URL(page.url()).origin, rights);
    return page.evaluate(() => navigator.clipboard.readText());
  },
  /** Refuses what matches, as a network does that is cut; nothing once the text is empty. */
  cut: async ({ page }, { match }) => {
    page.removeAllListeners('request');
    await page.setRequestInterception(match !== '');
    if (match) page.on('request', (request) => (request.url().includes(match) ? request.abort() : request.continue()));
  },
  violations: async ({ page }) => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
  },
  /** What went wrong since the last look. */
  faults: async ({ faults }) => faults.splice(0),
  loaded: async ({ loaded }) => loaded,
  costs: async ({ page }) => {
    const { TaskDuration, ScriptDuration } = await page.metrics();
    const loading = await page.evaluate(() => ({
      paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
      shift: window.shifts ?? 0,
      bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, { transferSize }) => sum + transferSize, 0),
      own_bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
        .filter(({ name }) => name.startsWith(location.origin))
        .reduce((sum, { transferSize }) => sum + transferSize, 0),
      requests: performance.getEntriesByType('resource').length + 1,
    }));
    return { ...loading, main_thread: TaskDuration * 1000, script: ScriptDuration * 1000 };
  },
  serve: async (_, { html, policy }) => void (served = { html, policy }),
  close: async ({ page }, { tab }) => (tabs.delete(tab), page.close()),
};

createServer((request, response) => {
  if (request.method === 'GET') {
    response.setHeader('Content-Type', 'text/html');
    response.setHeader('Content-Security-Policy', served.policy);
    return response.end(request.url === '/' ? served.html : '');
  }
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', async () => {
    let answer;
    try {
      const step = JSON.parse(body);
      const tab = await tabOf(step.tab);
      // Browsers draw the tab in front alone, and a person looks at it.
      await tab.page.bringToFront();
      answer = { value: (await steps[step.do](tab, step)) ?? null };
    } catch (error) {
      answer = { error: String(error.message ?? error) };
    }
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(answer));
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
