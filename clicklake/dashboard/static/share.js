// Copies the link. Its address is the one under which the browser knows the dashboard.

const link = document.getElementById('link');
link.value = new URL(link.dataset.relative, location.href);
link.select();
document.getElementById('copy').addEventListener('click', async () => {
  link.select();
  await navigator.clipboard.writeText(link.value);
  document.getElementById('copied').textContent = 'Copied';
});
