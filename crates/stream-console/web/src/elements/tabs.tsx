/** Parts of a page, each with an address of its own. */
export function Tabs({ label, tabs, current }: { label: string; tabs: [name: string, href: string, text: string][]; current: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(([name, href, text]) => (
        <a key={name} href={href} aria-current={name === current ? 'page' : undefined}>
          {text}
        </a>
      ))}
    </nav>
  );
}
