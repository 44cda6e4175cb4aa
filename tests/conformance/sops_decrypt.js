// Opens a file of sops with the npm package sops-age (the first argument is its
// folder), and writes what is in it as JSON.
'use strict';
const path = require('path');

const [folder, file, type, secretKey] = process.argv.slice(2);
const { decryptSops } = require(path.join(folder, 'sops-age'));

decryptSops(require('fs').readFileSync(file, 'utf8'), { secretKey, fileType: type })
  .then((found) => process.stdout.write(JSON.stringify(found)))
  .catch((e) => { process.stderr.write(String(e)); process.exit(1); });
