() => {
  if (window.__evidence) { return; }
  window.__evidence = true;
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href*="#src-"], a.back');
    if (!link) { return; }
    event.preventDefault();
    if (link.classList.contains('back')) {
      document.getElementById('conversation').scrollIntoView({behavior: 'smooth'});
      return;
    }
    const id = link.getAttribute('href').split('#')[1];
    const evidenceTab = document.querySelector('#tabs button[role="tab"]');
    if (evidenceTab && evidenceTab.getAttribute('aria-selected') !== 'true') { evidenceTab.click(); }
    const card = document.getElementById(id);
    if (!card) { return; }
    document.querySelectorAll('#evidence .turn').forEach((turn) =>
      turn.classList.toggle('shown', turn.contains(card)));
    document.querySelectorAll('#evidence .card').forEach((other) => other.classList.toggle('found', other === card));
    const mark = card.querySelector('mark') || card;
    mark.scrollIntoView({behavior: 'smooth', block: 'center'});
    card.focus({preventScroll: true});
  }, true);
}
