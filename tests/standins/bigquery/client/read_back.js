// What leat has written, as the official Node client reads it: prints the rows of argv[3] (DATASET.TABLE) as JSON, in the order of
// _part and _offset, and the table's columns.  node read_back.js http://127.0.0.1:PORT d.t
'use strict';
const {BigQuery} = require('@google-cloud/bigquery');
const {OAuth2Client} = require('google-auth-library');

process.env.METADATA_SERVER_DETECTION = 'none';
const authClient = new OAuth2Client();
authClient.setCredentials({access_token: 'anything', expiry_date: Date.now() + 3600e3});
const bigquery = new BigQuery({projectId: 'test', apiEndpoint: process.argv[2], authClient});

(async () => {
  const [dataset, table] = process.argv[3].split('.');
  const [metadata] = await bigquery.dataset(dataset).table(table).getMetadata();
  const [rows] = await bigquery.query({query: `SELECT * FROM ${dataset}.${table} ORDER BY _part, _offset`, location: metadata.location, wrapIntegers: true});
  const plain = (value) => (Buffer.isBuffer(value) ? value.toString('base64') : value === null || value === undefined || typeof value !== 'object' || value.value === undefined ? value : value.value);
  console.log(JSON.stringify({
    columns: metadata.schema.fields.map((field) => [field.name, field.type]),
    rows: rows.map((row) => Object.values(row).map(plain)),
  }));
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
