// The official Node client against the stand-in at argv[2]: each step says what it saw; the first thing that is not as the
// real service has it ends with status 1.  node official.js http://127.0.0.1:PORT
'use strict';
const assert = require('assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const {BigQuery} = require('@google-cloud/bigquery');
const {OAuth2Client} = require('google-auth-library');

process.env.METADATA_SERVER_DETECTION = 'none';
const authClient = new OAuth2Client();
authClient.setCredentials({access_token: 'anything', expiry_date: Date.now() + 3600e3});
const bigquery = new BigQuery({projectId: 'test', apiEndpoint: process.argv[2], authClient});
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'leat-official-'));

const schema = [
  {name: 'id', type: 'INT64', mode: 'REQUIRED'}, {name: 'name', type: 'STRING'}, {name: 'amount', type: 'FLOAT64'}, {name: 'ok', type: 'BOOL'},
  {name: 'at', type: 'TIMESTAMP'}, {name: 'day', type: 'DATE'}, {name: 'price', type: 'NUMERIC'}, {name: 'raw', type: 'BYTES'}, {name: 'more', type: 'JSON'},
];
const rows = [
  {id: '9223372036854775807', name: 'größe', amount: 1.5, ok: true, at: '2026-01-02 03:04:05.000006', day: '2026-01-02', price: '12.345', raw: 'AAH/', more: {a: [1, null]}},
  {id: 2, name: '', amount: 'NaN', ok: false, at: '2026-01-03T00:00:00Z', day: '2026-01-03', more: 'text'},
  {id: 3},
];

function ndjson(name, lines) {
  const file = path.join(folder, name);
  fs.writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n') + '\n');
  return file;
}

async function fails(promise, status, reason) {
  const error = await promise.then(() => assert.fail(`no failure (${reason})`), (e) => e);
  assert.strictEqual(error.errors && error.errors[0].reason, reason, String(error));
  if (status) assert.strictEqual(error.code, status, String(error));
}

const steps = {
  async 'dataset: made, found, refused twice'() {
    const dataset = bigquery.dataset('d');
    assert.deepStrictEqual(await dataset.exists(), [false]);
    await bigquery.createDataset('d', {location: 'EU'});
    assert.deepStrictEqual(await dataset.exists(), [true]);
    assert.strictEqual((await dataset.getMetadata())[0].location, 'EU');
    await fails(bigquery.createDataset('d'), 409, 'duplicate');
    assert.deepStrictEqual((await bigquery.getDatasets())[0].map((one) => one.id), ['d']);
  },
  async 'table: made with partitioning and clustering, patched, etag, refused'() {
    const [table] = await bigquery.dataset('d').createTable('t', {schema, timePartitioning: {type: 'DAY', field: 'at'}, clustering: {fields: ['id']}});
    const [before] = await table.getMetadata();
    assert.deepStrictEqual(before.timePartitioning, {type: 'DAY', field: 'at'});
    const [after] = await table.setMetadata({description: 'state'});
    assert.notStrictEqual(after.etag, before.etag);
    assert.strictEqual(after.description, 'state');
    await fails(bigquery.dataset('d').createTable('t', {schema}), 409, 'duplicate');
    await fails(bigquery.dataset('d').table('none').getMetadata(), 404, 'notFound');
    assert.deepStrictEqual((await bigquery.dataset('d').getTables())[0].map((one) => one.id), ['t']);
  },
  async 'load: types at their edges, read back'() {
    const options = {sourceFormat: 'NEWLINE_DELIMITED_JSON', schema: {fields: schema}, location: 'EU', jobId: 'load_1'};
    const [job] = await bigquery.dataset('d').table('t').load(ndjson('rows.ndjson', rows), options);
    assert.strictEqual(job.status.state, 'DONE');
    assert.strictEqual(job.statistics.load.outputRows, '3');
    const [back] = await bigquery.dataset('d').table('t').getRows({wrapIntegers: true});
    assert.strictEqual(back.length, 3);
    assert.strictEqual(back[0].id.value, '9223372036854775807');
    assert.strictEqual(back[0].name, 'größe');
    assert.strictEqual(back[0].at.value, '2026-01-02T03:04:05.000006000Z');
    assert.strictEqual(back[0].day.value, '2026-01-02');
    assert.strictEqual(back[0].price.toString(), '12.345');
    assert.deepStrictEqual([...back[0].raw], [0, 1, 255]);
    assert.strictEqual(back[0].ok, true);
    assert.ok(Number.isNaN(back[1].amount));
    assert.strictEqual(back[1].name, '');
    assert.strictEqual(back[2].name, null);
  },
  async 'load: gzip'() {
    const file = path.join(folder, 'rows.ndjson.gz');
    fs.writeFileSync(file, require('zlib').gzipSync('{"id":4,"at":"2026-01-04"}\n{"id":5}\n'));
    await bigquery.dataset('d').table('t').load(file, {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU'});
  },
  async 'load: the same job id again is refused'() {
    const options = {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU', jobId: 'load_1'};
    await fails(bigquery.dataset('d').table('t').load(ndjson('again.ndjson', [{id: 9}]), options), 409, 'duplicate');
  },
  async 'load: one bad row, nothing lands, errors say where'() {
    const file = ndjson('bad.ndjson', [{id: 6}, '{"id":"seven"}', {id: 8}]);
    const error = await bigquery.dataset('d').table('t').load(file, {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU', jobId: 'load_bad'}).then(() => null, (e) => e);
    assert.ok(error);
    const [metadata] = await bigquery.job('load_bad', {location: 'EU'}).getMetadata();
    assert.strictEqual(metadata.status.errorResult.reason, 'invalid');
    assert.match(metadata.status.errors[1].message, /position 9/);
    const [[count]] = await bigquery.query('SELECT COUNT(*) AS n FROM d.t');
    assert.strictEqual(count.n, 5);
  },
  async 'load: a new field needs leave'() {
    const wider = {fields: [...schema, {name: 'extra', type: 'STRING'}]};
    const options = {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU', schema: wider};
    const error = await bigquery.dataset('d').table('t').load(ndjson('wide.ndjson', [{id: 10, extra: 'x'}]), options).then(() => null, (e) => e);
    assert.match(error.message, /Cannot add fields \(field: extra\)/);
    await bigquery.dataset('d').table('t').load(ndjson('wide.ndjson', [{id: 10, extra: 'x'}]), {...options, schemaUpdateOptions: ['ALLOW_FIELD_ADDITION']});
    const [metadata] = await bigquery.dataset('d').table('t').getMetadata();
    assert.strictEqual(metadata.schema.fields[9].name, 'extra');
    assert.strictEqual(metadata.numRows, '6');
  },
  async 'load: a partition is replaced, the others stay'() {
    const table = bigquery.dataset('d').table('t$20260102');
    await table.load(ndjson('part.ndjson', [{id: 20, at: '2026-01-02T10:00:00Z'}, {id: 21, at: '2026-01-02T11:00:00Z'}]),
        {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU', writeDisposition: 'WRITE_TRUNCATE'});
    const [found] = await bigquery.query("SELECT id FROM d.t WHERE at >= TIMESTAMP '2026-01-02' AND at < TIMESTAMP '2026-01-03' ORDER BY id");
    assert.deepStrictEqual(found.map((row) => row.id), [20, 21]);
  },
  async 'query: parameters, groups, windows; what is not known is refused'() {
    const [found] = await bigquery.query({query: 'SELECT DATE(at) AS day, COUNT(*) AS n FROM `test.d.t` WHERE id < @most GROUP BY day ORDER BY day', params: {most: 100}});
    assert.deepStrictEqual(found.map((row) => [row.day && row.day.value, row.n]), [[null, 3], ['2026-01-02', 2], ['2026-01-03', 1], ['2026-01-04', 1]]);
    await fails(bigquery.query('SELECT none FROM d.t'), 400, 'invalidQuery');
    await fails(bigquery.query('SELECT SOUNDEX(name) FROM d.t'), 501, 'notImplemented');
    await fails(bigquery.query("SELECT id FROM d.t WHERE id = '1'"), 400, 'invalidQuery');
  },
  async 'merge: staging, newest wins, one row for each key'() {
    const small = [{name: 'k', type: 'INT64'}, {name: 'v', type: 'STRING'}, {name: 'at', type: 'TIMESTAMP'}];
    const partitioned = {schema: small, timePartitioning: {type: 'DAY', field: 'at'}};
    const [target] = await bigquery.dataset('d').createTable('target', partitioned);
    const [staged] = await bigquery.dataset('d').createTable('staged', {schema: small});
    const options = {sourceFormat: 'NEWLINE_DELIMITED_JSON', location: 'EU'};
    await target.load(ndjson('a.ndjson', [{k: 1, v: 'old', at: '2026-01-01'}, {k: 2, v: 'newer', at: '2026-03-01'}]), options);
    await staged.load(ndjson('b.ndjson', [{k: 1, v: 'first', at: '2026-02-01'}, {k: 1, v: 'second', at: '2026-02-02'}, {k: 2, v: 'older', at: '2026-02-01'}, {k: 3, v: 'new', at: '2026-02-01'}]), options);
    const merge = `MERGE d.target AS T USING (SELECT * FROM d.staged QUALIFY ROW_NUMBER() OVER (PARTITION BY k ORDER BY at DESC) = 1) AS S ON T.k = S.k
        WHEN MATCHED AND S.at >= T.at THEN UPDATE SET v = S.v, at = S.at WHEN NOT MATCHED THEN INSERT (k, v, at) VALUES (S.k, S.v, S.at)`;
    for (let time = 0; time < 2; ++time) {
      const [job] = await bigquery.createQueryJob({query: merge, location: 'EU'});
      await job.getQueryResults();
      const [metadata] = await job.getMetadata();
      assert.strictEqual(metadata.statistics.query.numDmlAffectedRows, '2');
    }
    const [found] = await bigquery.query('SELECT k, v FROM d.target ORDER BY k');
    assert.deepStrictEqual(found.map((row) => [row.k, row.v]), [[1, 'second'], [2, 'newer'], [3, 'new']]);
    await fails(bigquery.query('MERGE d.target T USING d.staged S ON T.k = S.k WHEN MATCHED THEN UPDATE SET v = S.v'), 400, 'invalidQuery');
  },
  async 'query: partitions that a constant leaves out are not paid for'() {
    const bytes = [];
    for (const where of ['TRUE', "at >= TIMESTAMP '2026-03-01'", "at >= TIMESTAMP '2027-01-01'"]) {
      const [job] = await bigquery.createQueryJob({query: `SELECT k FROM d.target WHERE ${where}`, dryRun: true, location: 'EU'});
      bytes.push(Number(job.metadata.statistics.totalBytesProcessed));
    }
    assert.ok(bytes[0] > bytes[1] && bytes[1] > bytes[2] && bytes[2] === 0, String(bytes));
  },
  async 'copy: a table takes the place of another'() {
    await bigquery.dataset('d').table('staged').copy(bigquery.dataset('d').table('target'), {writeDisposition: 'WRITE_TRUNCATE', location: 'EU'});
    const [[count]] = await bigquery.query('SELECT COUNT(*) AS n FROM d.target');
    assert.strictEqual(count.n, 4);
  },
  async 'rows in pages, insertAll with errors, view, delete'() {
    const staged = bigquery.dataset('d').table('staged');
    const [all] = await staged.getRows({maxResults: 3, autoPaginate: true});
    assert.ok(all.length >= 3);
    await staged.insert([{k: 50, v: 'x', at: '2026-01-01'}]);
    const error = await staged.insert([{k: 'fifty'}]).then(() => null, (e) => e);
    assert.strictEqual(error.name, 'PartialFailureError');
    await bigquery.dataset('d').createTable('per_key', {view: {query: 'SELECT k, COUNT(*) AS n FROM d.staged GROUP BY k', useLegacySql: false}});
    const [[one]] = await bigquery.query('SELECT n FROM d.per_key WHERE k = 1');
    assert.strictEqual(one.n, 2);
    await bigquery.query('DELETE FROM d.staged WHERE k = 1');
    const [[left]] = await bigquery.query('SELECT COUNT(*) AS n FROM d.staged');
    assert.strictEqual(left.n, 3);
    await staged.delete();
    assert.deepStrictEqual(await staged.exists(), [false]);
  },
};

(async () => {
  for (const [name, step] of Object.entries(steps)) {
    await step();
    console.log(`ok: ${name}`);
  }
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
}).finally(() => fs.rmSync(folder, {recursive: true}));
