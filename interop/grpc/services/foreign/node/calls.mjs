// Calls of all kinds, as @grpc/grpc-js makes them: what came of them goes to
// standard output.

import * as fs from 'node:fs'
import grpc from '@grpc/grpc-js'
import loader from '@grpc/proto-loader'

const [address, descriptors] = process.argv.slice(2)
const definition = loader.loadFileDescriptorSetFromBuffer(fs.readFileSync(descriptors), { keepCase: true })
const { TestService } = grpc.loadPackageDefinition(definition).grpc.testing
const client = new TestService(address, grpc.credentials.createInsecure())

const see = (who, what) => console.log(who, JSON.stringify(what))
const own = (md) => Object.fromEntries(Object.entries(md.getMap()).filter(([k]) => /^(x-|when|why)/.test(k)).sort())
const payload = (text) => ({ body: Buffer.from(text) })
const told = (e) => e && { code: e.code, details: e.details, own: own(e.metadata), status: e.metadata.get('grpc-status-details-bin').map(String) }

function unary(request, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((done) => {
    let header
    const call = client.UnaryCall(request, metadata, options, (err, answer) => {
      done({ err: told(err), answer })
    })
    call.on('metadata', (md) => { header = own(md) })
    call.on('status', (s) => options.deadline || see('unary', { header, code: s.code, trailer: own(s.metadata) }))
    if (options.cancel) call.cancel()
  })
}

function ended(stream, who) {
  return new Promise((done) => {
    stream.on('metadata', (md) => see(who, { header: own(md) }))
    stream.on('data', (m) => see(who, { size: m.payload?.body?.length ?? 0 }))
    stream.on('error', (e) => see(who, told(e)))
    stream.on('status', (s) => { see(who, { code: s.code, trailer: own(s.metadata) }); done() })
  })
}

const echo = new grpc.Metadata()
echo.add('x-grpc-test-echo-initial', 'there and back')
echo.add('x-grpc-test-echo-trailing-bin', Buffer.from([0, 255]))
see('unary', await unary({ response_size: 5, payload: payload('hello') }, echo))
see('unary', await unary({ response_status: { code: 9, message: 'not now, ünd why' } }))

const late = await unary({ payload: payload('wait') }, new grpc.Metadata(), { deadline: Date.now() + 300 })
see('deadline', [1, 4].includes(late.err.code)) // who notices first says it: this client, or the server that resets
see('cancelled', (await unary({ payload: payload('wait') }, new grpc.Metadata(), { cancel: true })).err.code)

const down = client.StreamingOutputCall({ response_parameters: [{ size: 3 }, {}, { size: 100000 }] }, echo)
await ended(down, 'download')

await new Promise((done) => {
  const up = client.StreamingInputCall((err, answer) => { see('upload', { err: told(err), answer }); done() })
  for (const text of ['a', 'bc', 'def']) up.write({ payload: payload(text) })
  up.end()
})

const talk = client.FullDuplexCall(echo)
const over = ended(talk, 'talk')
let n = 0
const ping = () => talk.write({ response_parameters: [{ size: ++n }], payload: payload('ping') })
talk.on('data', () => { if (n < 4) ping(); else talk.end() })
ping()
await over

const broken = client.FullDuplexCall()
const fallen = ended(broken, 'broken')
broken.on('data', () => broken.write({ response_status: { code: 15, message: 'midway' } }))
broken.write({ response_parameters: [{ size: 1 }] })
await fallen

const left = client.FullDuplexCall()
const gone = ended(left, 'left')
left.on('data', () => left.cancel())
left.write({ response_parameters: [{ size: 1 }] })
await gone

await new Promise((done) => client.UnimplementedCall({}, (err) => { see('unimplemented', told(err).code); done() }))
process.exit()
