// @kubernetes/client-node: applied, patched, paged, an informer over a cut wire, exec and logs. Prints a JSON object of what it saw.
// Arguments: the kubeconfig, and where a GET cuts the wire.
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';

const k8s = createRequire(process.env.NODE_MODULES + '/')('@kubernetes/client-node');
const [kubeconfig, knife] = process.argv.slice(2);
const config = new k8s.KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(k8s.CoreV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const namespace = 'default';
const seen = {};
const map = (name, data = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
const until = async (what) => { while (!what()) await new Promise((done) => setTimeout(done, 20)); };

// a pod
await core.createNamespacedPod({ namespace, body: JSON.parse(process.env.POD) });
await new Promise((running, failed) => {
  new k8s.Watch(config).watch('/api/v1/namespaces/default/pods', { labelSelector: 'app=web' },
    (_, pod) => { if (pod.status?.phase === 'Running') running(); }, (error) => failed(error)).catch(failed);
});
seen.logs = await core.readNamespacedPodLog({ namespace, name: 'web' });
const out = new PassThrough();
seen.exec = '';
out.on('data', (data) => { seen.exec += data; });
await new Promise((done, failed) => {
  new k8s.Exec(config).exec(namespace, 'web', 'app', ['date'], out, null, null, false, (status) => { seen.status = status.status; done(); })
    .catch(failed);
});

// applied and patched
const apply = (manager, data, force) => objects.patch(map('mine', data), undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
await apply('one', { a: '1', b: '1' });
seen.conflict = await apply('two', { a: '2' }).then(() => 0, (error) => error.code);
seen.forced = (await apply('two', { a: '2' }, true)).data;
seen.merged = (await objects.patch(map('mine', { a: '3' }), undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch)).data;

// an informer, over a wire that is cut
const added = [];
const informer = k8s.makeInformer(config, '/api/v1/namespaces/default/configmaps', () => core.listNamespacedConfigMap({ namespace }));
informer.on('add', (found) => { if (found.metadata.name.startsWith('c')) added.push(found.metadata.name); });
informer.on('error', () => setTimeout(() => informer.start(), 50));
await informer.start();
for (let i = 0; i < 10; i++) {
  if (i === 5) {
    await until(() => added.length === 5);
    await fetch(knife);
  }
  for (;;) {
    try { await core.createNamespacedConfigMap({ namespace, body: map(`c${i}`) }); break; } catch (error) { if (error.code === 409) break; }
  }
}
await until(() => added.length === 10);
seen.added = added;
await informer.stop();

// pages
seen.pages = [];
let _continue;
do {
  const page = await core.listNamespacedConfigMap({ namespace, limit: 4, _continue });
  seen.pages.push(page.items.length);
  _continue = page.metadata._continue;
} while (_continue);
console.log(JSON.stringify(seen));
process.exit(0);
