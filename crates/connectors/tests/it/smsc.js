// A short message centre for the tests: takes one account, answers, throttles the number that ends in 7 once, and sends receipts.
// Prints its port, then each message as a line of JSON.
const smpp = require('smpp');
const joined = new Map();
let count = 0, throttled = false;

const server = smpp.createServer({}, (session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    const known = pdu.system_id === 'watch' && pdu.password === 'hunter2!';
    session.send(pdu.response({ command_status: known ? smpp.ESME_ROK : smpp.ESME_RINVPASWD }));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => {
    if (pdu.destination_addr.endsWith('7') && !throttled) {
      throttled = true;
      session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
      return;
    }
    const id = `m${++count}`;
    session.send(pdu.response({ message_id: id }));
    take(pdu, id);
    const fails = pdu.destination_addr.endsWith('8');
    const text = `id:${id} sub:001 dlvrd:001 submit date:2404300210 done date:2404300211 ` +
      `stat:${fails ? 'UNDELIV' : 'DELIVRD'} err:${fails ? '011' : '000'} text:`;
    session.deliver_sm({
      esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT, source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr, short_message: text,
    });
    // The telephone that ends in 3 writes back.
    if (pdu.destination_addr.endsWith('3')) {
      session.deliver_sm({
        source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
        short_message: 'Nhận 4821', data_coding: 8,
      });
    }
    if (pdu.destination_addr.endsWith('9')) session.close();
  });
});

function take(pdu, id) {
  const { udh, message } = pdu.short_message;
  if (!udh) return say(pdu, [id], message);
  const [, , reference, total, number] = [...udh[0]];
  const parts = joined.get(reference) ?? [];
  parts[number - 1] = { id, message };
  joined.set(reference, parts);
  if (parts.filter(Boolean).length === total) {
    joined.delete(reference);
    say(pdu, parts.map((part) => part.id), parts.map((part) => part.message).join(''));
  }
}

function say(pdu, ids, text) {
  console.log(JSON.stringify({ to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding, ids, text }));
}

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
