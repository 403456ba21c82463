import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, kubectlMissing, kubectlPath, type Ran } from '../../support/kubectl.js';
import { eventually, startTestBed, stopProcess, storeMissing, type TestBed } from './harness.js';

const deployment = (replicas: number, image = 'busybox:1.36'): string => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
  labels: {app: hello}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
      - name: hello
        image: ${image}
        ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec:
  selector: {app: hello}
  ports: [{port: 80, targetPort: 8080}]
`;
const configMap = (name: string, rest: string): string =>
  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":${JSON.stringify(name)}}${rest}}`;

const stores = (['etcd', 'raftsman'] as const).filter((kind) => storeMissing(kind) === null);

describe.skipIf(kubectlMissing !== null).each(stores)('the real kubectl, on %s', (kind) => {
  let bed: TestBed;
  const as = (user: string | null, args: readonly string[], input?: string): Promise<Ran> =>
    kubectl(bed.kubeconfig(user), args, input);
  const run = (line: string, input?: string): Promise<Ran> => as('admin', line.split(' '), input);
  /** Runs what must succeed; answers its output. */
  const ok = async (line: string, input?: string): Promise<string> => {
    const { code, stdout, stderr } = await run(line, input);
    expect({ line, code, stderr }).toMatchObject({ line, code: 0 });
    return stdout;
  };
  /** Runs what must fail; answers the error. */
  const refused = async (line: string, input?: string): Promise<string> => {
    const { code, stderr, stdout } = await run(line, input);
    expect({ line, code, stdout }).toMatchObject({ line, code: 1 });
    return stderr;
  };
  const jsonpath = (what: string, path: string): Promise<string> => ok(`get ${what} -o jsonpath={${path}}`);

  beforeAll(async () => {
    bed = await startTestBed(kind);
  });
  afterAll(async () => bed.stop());

  test('finds the server, its kinds and its namespaces', async () => {
    expect(await ok('version')).toContain('Server Version: v1.35.0+raftsman');
    const kinds = await ok('api-resources --no-headers');
    for (const kind of [
      'Namespace',
      'Node',
      'Pod',
      'Service',
      'EndpointSlice',
      'ConfigMap',
      'Secret',
      'Event',
    ]) {
      expect(kinds).toMatch(new RegExp(`\\b${kind}\\b`));
    }
    for (const kind of ['ServiceAccount', 'Deployment', 'ReplicaSet', 'Lease']) expect(kinds).toContain(kind);
    expect(await ok('get namespaces')).toMatch(
      /default +Active[\s\S]*kube-node-lease +Active[\s\S]*kube-system +Active/,
    );
    expect(await ok('get svc kubernetes')).toMatch(/kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP/);
    expect(await ok('get endpointslices')).toMatch(/kubernetes-127-0-0-1-\d+ +IPv4 +\d+ +127\.0\.0\.1/);
    expect(await ok('get componentstatuses')).toMatch(/etcd-0 +Healthy +ok/);
    expect(await ok('explain deployment.spec.replicas')).toContain('replicas <integer>');
  });

  test('applies from the client, sees what changed, scales, labels, annotates and deletes', async () => {
    expect(await ok('apply -f -', deployment(2))).toBe(
      'deployment.apps/hello created\nservice/hello created\n',
    );
    expect(await ok('apply -f -', deployment(2))).toBe(
      'deployment.apps/hello unchanged\nservice/hello unchanged\n',
    );
    expect(await ok('apply -f -', deployment(3))).toContain('deployment.apps/hello configured');
    expect(await ok('diff -f -', deployment(3))).toBe('');
    expect(await ok('get deployment hello')).toMatch(
      /NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nhello +0\/3 +0 +0 /,
    );
    const address = await jsonpath('service/hello', '.spec.clusterIP');
    expect(address).toMatch(/^10\.96\.\d+\.\d+$/);
    await ok('scale deployment/hello --replicas=5');
    expect(await jsonpath('deployment/hello', '.spec.replicas')).toBe('5');
    await ok('label deployment hello tier=front');
    await ok('annotate deployment hello note=yes');
    expect(await ok('get deployments -l tier=front -o name')).toBe('deployment.apps/hello\n');
    expect(await ok('get deployments -l tier!=front -o name')).toBe('');
    expect(await ok('get services --field-selector metadata.name=hello -o name')).toBe('service/hello\n');
    await ok('set image deployment/hello hello=busybox:1.37');
    expect(await jsonpath('deployment/hello', '.metadata.generation')).toBe('4');
    expect(await ok('describe deployment hello')).toContain('busybox:1.37');
    await ok('delete deployment,service hello');
    expect(await refused('get deployment hello')).toContain(
      'Error from server (NotFound): deployments.apps "hello" not found',
    );
  });

  test('applies from the server, and is told of fields that are another manager’s', async () => {
    await ok('apply --server-side -f -', deployment(2));
    await ok('scale deployment/hello --replicas=4');
    const conflict = await refused('apply --server-side --field-manager=other -f -', deployment(1));
    expect(conflict).toContain('conflict');
    expect(conflict).toContain('.spec.replicas');
    await ok('apply --server-side --field-manager=other --force-conflicts -f -', deployment(1));
    expect(await jsonpath('deployment/hello', '.spec.replicas')).toBe('1');
    const managers = await ok(
      'get deployment hello --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}',
    );
    expect(managers).toContain('other');
    await ok('delete deployment,service hello');
  });

  test('takes over from the client’s apply without a conflict over a default', async () => {
    const pod = `apiVersion: v1
kind: Pod
metadata: {name: moved}
spec:
  containers:
    - {name: main, image: a, env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}
`;
    await ok('apply -f -', pod);
    expect(await ok('apply --server-side -f -', pod)).toBe('pod/moved serverside-applied\n');
    await ok('delete pod moved');
  });

  test('patches in all three ways', async () => {
    await ok('create -f -', configMap('patched', ',"data":{"a":"1"}'));
    await ok('patch configmap patched --type=merge -p {"data":{"b":"2"}}');
    await ok('patch configmap patched --type=strategic -p {"data":{"c":"3"}}');
    await ok('patch configmap patched --type=json -p [{"op":"remove","path":"/data/a"}]');
    expect(JSON.parse(await jsonpath('configmap/patched', '.data'))).toEqual({ b: '2', c: '3' });
    expect(
      await refused('patch configmap patched --type=json -p [{"op":"test","path":"/data/b","value":"9"}]'),
    ).toMatch(/is invalid|cannot be applied|test/);
    await ok('delete configmap patched');
  });

  test('speaks protobuf where it has typed clients: create, drain, auth', async () => {
    await ok('create deployment typed --image=busybox --replicas=0 --port=80');
    expect(await jsonpath('deployment/typed', '.spec.replicas')).toBe('0');
    expect(
      await jsonpath('deployment/typed', '.spec.template.spec.containers[0].ports[0].containerPort'),
    ).toBe('80');
    await ok('create configmap typed --from-literal=a=b');
    await ok('create secret generic typed --from-literal=x=y');
    expect(JSON.parse(await jsonpath('secret/typed', '.data'))).toEqual({ x: 'eQ==' });
    await ok('create serviceaccount typed');
    await ok('create service nodeport typed --tcp=80:8080');
    expect(await jsonpath('service/typed', '.spec.ports[0].targetPort')).toBe('8080');
    expect(await ok('auth whoami')).toMatch(
      /Username +admin\nGroups +\[system:masters system:authenticated\]/,
    );
    expect(await ok('auth can-i create pods')).toBe('yes\n');
    const denied = await as('nobody', ['auth', 'can-i', 'create', 'pods']);
    expect(denied.stdout).toBe('no\n');
    await ok('create -f -', '{"apiVersion":"v1","kind":"Node","metadata":{"name":"old"}}');
    const pod =
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"on-old"},"spec":{"nodeName":"old","terminationGracePeriodSeconds":0,"containers":[{"name":"a","image":"a"}]}}';
    await ok('create -f -', pod);
    await ok('drain old --force --timeout=60s');
    expect(await refused('get pod on-old')).toContain('NotFound');
    expect(await jsonpath('node/old', '.spec.unschedulable')).toBe('true');
    await ok('delete node old');
    await ok('delete deployment,configmap,secret,serviceaccount,service typed');
  });

  test('watches', async () => {
    const child = spawn(kubectlPath(), [
      '--kubeconfig',
      bed.kubeconfig('admin'),
      'get',
      'configmaps',
      '--watch',
      '-o',
      'name',
    ]);
    let seen = '';
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    try {
      await eventually(async () => {
        if (child.exitCode !== null) throw new Error(`kubectl ended with ${child.exitCode}: ${complaint}`);
        await run('delete configmap watched --ignore-not-found');
        await run('create -f -', configMap('watched', ''));
        return seen.includes('configmap/watched');
      });
    } finally {
      await stopProcess(child);
    }
    expect(seen).toContain('configmap/watched');
  });

  test('pods wait for their node to let them go, and go at once where there is none', async () => {
    const pod =
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{"name":"web","image":"a"}]}}';
    await ok('create -f -', pod);
    expect(await ok('get pod web')).toMatch(/web +0\/1 +Pending +0 /);
    await ok('delete pod web');
    await ok('create -f -', pod);
    const binding =
      '{"apiVersion":"v1","kind":"Binding","metadata":{"name":"web"},"target":{"kind":"Node","name":"node-1"}}';
    await ok('create --raw /api/v1/namespaces/default/pods/web/binding -f -', binding);
    expect(await jsonpath('pod/web', '.spec.nodeName')).toBe('node-1');
    expect(await refused('create --raw /api/v1/namespaces/default/pods/web/binding -f -', binding)).toContain(
      'pod web is already assigned to node "node-1"',
    );
    await ok('delete pod web --wait=false');
    expect(await ok('get pod web')).toContain('Terminating');
    expect(await jsonpath('pod/web', '.metadata.deletionGracePeriodSeconds')).toBe('30');
    const final = await as('node-1', ['delete', 'pod', 'web', '--grace-period=0', '--force', '--wait=false']);
    expect(final).toMatchObject({ code: 0 });
    expect(await refused('get pod web')).toContain('NotFound');
  });

  test('a namespace is kept until it is finalised', async () => {
    await ok('create -f -', '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"gone"}}');
    await ok('delete namespace gone --wait=false');
    expect(await ok('get namespace gone')).toContain('Terminating');
    const refusal = await refused('create -n gone -f -', configMap('late', ''));
    expect(refusal).toContain(
      'unable to create new content in namespace gone because it is being terminated',
    );
    const finalised =
      '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"gone"},"spec":{"finalizers":[]}}';
    await ok('replace --raw /api/v1/namespaces/gone/finalize -f -', finalised);
    expect(await refused('get namespace gone')).toContain('NotFound');
    expect(await refused('delete namespace kube-system')).toContain('this namespace may not be deleted');
  });

  test('services get addresses and ports of their own, and give them back', async () => {
    const service = (name: string, spec: string): string =>
      `{"apiVersion":"v1","kind":"Service","metadata":{"name":"${name}"},"spec":{${spec},"ports":[{"port":80}]}}`;
    await ok('create -f -', service('fixed', '"clusterIP":"10.96.0.77"'));
    expect(await refused('create -f -', service('taken', '"clusterIP":"10.96.0.77"'))).toContain(
      'failed to allocate IP 10.96.0.77: provided IP is already allocated',
    );
    expect(await refused('create -f -', service('outside', '"clusterIP":"10.97.0.1"'))).toContain(
      'not in the valid range',
    );
    await ok('delete service fixed');
    await ok('create -f -', service('taken', '"clusterIP":"10.96.0.77"'));
    await ok('create -f -', service('port', '"type":"NodePort"'));
    expect(Number(await jsonpath('service/port', '.spec.ports[0].nodePort'))).toBeGreaterThanOrEqual(30_000);
    await ok('create -f -', service('headless', '"clusterIP":"None"'));
    expect(await ok('get service headless')).toMatch(/headless +ClusterIP +None/);
    await ok('delete service taken port headless');
  });

  describe('bad input', () => {
    test.each([
      ['an unknown field', configMap('a', ',"datta":{}'), 'strict decoding error: unknown field "datta"'],
      ['a wrong type', configMap('a', ',"data":{"a":1}'), 'json: cannot unmarshal number'],
      [
        'a missing name',
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}',
        'name or generateName is required',
      ],
      ['a bad name', configMap('Bad_Name', ''), 'a lowercase RFC 1123 subdomain must consist of'],
      [
        'a bad quantity',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"a","resources":{"limits":{"cpu":"lots"}}}]}}',
        'quantities must match the regular expression',
      ],
      ['YAML that does not parse', 'apiVersion: v1\n kind: {', 'error converting YAML to JSON'],
      [
        'an unknown kind',
        '{"apiVersion":"v1","kind":"Foo","metadata":{"name":"a"}}',
        'no matches for kind "Foo"',
      ],
      [
        'several mistakes',
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"A"}]}}',
        '* spec.containers[0].image: Required value',
      ],
    ])('%s', async (_what, manifest, message) => {
      expect(await refused('create -f -', manifest)).toContain(message);
    });

    test('2 MiB of ConfigMap and 4 MiB of body', async () => {
      const large = (mebibytes: number): string =>
        configMap('a', `,"data":{"a":"${'x'.repeat(mebibytes * 1024 * 1024)}"}`);
      expect(await refused('create -f -', large(2))).toContain(
        'Too long: may not be more than 1048576 bytes',
      );
      expect(await refused('create -f -', large(4))).toContain('Error from server (RequestEntityTooLarge)');
    });

    test('what is there already, what has changed, and where nothing is', async () => {
      await ok('create -f -', configMap('twice', ''));
      expect(await refused('create -f -', configMap('twice', ''))).toContain('(AlreadyExists)');
      const old =
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice","resourceVersion":"1"},"data":{"a":"b"}}';
      expect(await refused('replace -f -', old)).toContain('the object has been modified');
      expect(await refused('create -n nowhere -f -', configMap('a', ''))).toContain(
        'namespaces "nowhere" not found',
      );
      await ok('delete configmap twice');
    });

    test('users who may not, or whom nobody knows', async () => {
      expect((await as('nobody', ['get', 'pods'])).stderr).toContain(
        'pods is forbidden: User "eve" cannot list resource "pods" in API group "" in the namespace "default"',
      );
      expect((await as('stranger', ['get', 'pods'])).stderr).toMatch(/Unauthorized|must be logged in/);
    });
  });
});
