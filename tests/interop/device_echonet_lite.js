// A device node run by the npm package echonet-lite: frames, sockets, node profile and the
// handling of Get and Set are the package's; this file gives it the data.
// node device_echonet_lite.js TABLE.json   (EOJ -> EPC -> hex, see netlab.py)
'use strict';
const fs = require('fs');
const EL = require('echonet-lite');

const table = JSON.parse(fs.readFileSync(process.argv[2]));
const objects = {};
for (const [eoj, row] of Object.entries(table)) {
  objects[eoj.toLowerCase()] = Object.fromEntries(
    Object.entries(row).map(([epc, edt]) => [epc.toLowerCase(), [...Buffer.from(edt, 'hex')]]));
}

function received(rinfo, els, error) {
  if (error || !els || !objects[els.DEOJ]) return;
  if (els.ESV === EL.GET) EL.replyGetDetail(rinfo, els, objects);
  if (els.ESV === EL.SETC || els.ESV === EL.SETI) EL.replySetDetail(rinfo, els, objects);
}

EL.initialize(Object.keys(objects), received, 4, { autoGetProperties: false, ignoreMe: true })
  .then(() => console.log('ready'));
