// The first page: paints, then loads the engine and runs the trending query by itself.
const byId = (id) => document.getElementById(id);

/** For scripts that drive the page. */
const home = { state: 'idle', error: null, totals: { rows: 0, batches: 0, late: 0 } };
window.rivuletHome = home;

let live;

function setState(state, text) {
  home.state = state;
  byId('state').dataset.state = state;
  byId('state').lastElementChild.textContent = text;
  byId('toggle').disabled = state === 'starting';
  byId('toggle').textContent = state === 'running' ? 'Stop' : 'Start';
  byId('progress').hidden = state !== 'starting';
}

function fail(error) {
  console.error(error);
  home.error = String(error?.message ?? error);
  byId('error').hidden = false;
  byId('error').textContent = home.error;
  setState('failed', 'Failed');
}

async function start() {
  setState('starting', 'Loading the engine');
  byId('error').hidden = true;
  try {
    const { LiveTrends } = await import('./live_trends.js');
    live ??= new LiveTrends({ totals: home.totals, onError: fail });
    await live.start(({ stage, percent }) => {
      byId('progress').value = percent;
      setState('starting', stage === 'download' ? `Engine: ${Math.round(percent)} %` : 'Starting workers');
    });
    setState('running', 'Running in this tab');
  } catch (error) {
    fail(error);
  }
}

async function stop() {
  byId('toggle').disabled = true;
  await live.stop().catch(fail);
  setState('idle', 'Stopped');
}

byId('toggle').onclick = () => (home.state === 'running' ? stop() : start());

// Visitors who save data ask for the engine themselves.
if (navigator.connection?.saveData) byId('state').lastElementChild.textContent = 'Press Start';
else if (document.readyState === 'complete') void start();
else addEventListener('load', () => void start(), { once: true });
