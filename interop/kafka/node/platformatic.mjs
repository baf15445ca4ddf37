// @platformatic/kafka's scenarios, one for each run: node platformatic.mjs SCENARIO.

import './with_resolvers.mjs'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'

const env = process.env
const texts = (prefix, n) => Array.from({ length: n }, (_, i) => `${prefix}${i}`)

function settings (more = {}) {
  const config = { clientId: 'platformatic', bootstrapBrokers: env.BOOTSTRAP.split(','), retries: 10, retryDelay: 50, ...more }
  if (env.MECHANISM) {
    config.sasl = { mechanism: env.MECHANISM, username: env.USERNAME, password: env.PASSWORD }
  }
  if (env.PROTOCOL.includes('SSL')) {
    config.tls = { ca: [readFileSync(env.CA)], cert: readFileSync(env.CERT), key: readFileSync(env.KEY) }
  }
  return config
}

async function send (topic, values, options = {}) {
  const producer = new Producer(settings({ serializers: stringSerializers, autocreateTopics: true }))
  await producer.send({ messages: values.map(v => ({ topic, key: v, value: v, headers: { h: '1' } })), ...options })
  await producer.close()
}

function member (groupId, options = {}) {
  return new Consumer(settings({
    groupId, deserializers: stringDeserializers, sessionTimeout: 6000, heartbeatInterval: 100, maxWaitTime: 100, ...options
  }))
}

// receive reads n values of a topic in a group.
async function receive (groupId, topic, n, options = {}) {
  const consumer = member(groupId, options)
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
  const got = []
  for await (const message of stream) {
    got.push(message.value)
    await message.commit()
    if (got.length === n) {
      break
    }
  }
  await consumer.close(true)
  return got
}

async function administer (f, bootstrap = {}) {
  const admin = new Admin(settings(bootstrap))
  await f(admin)
  await admin.close()
}

const make = (topic, partitions) => administer(admin => admin.createTopics({ topics: [topic], partitions, replicas: 3 }))

const scenarios = {
  async produce () {
    const topic = `produced-${env.PROTOCOL}${env.MECHANISM}${process.pid}`
    await make(topic, 1)
    const values = texts('v', 100)
    await send(topic, values)
    assert.deepEqual(await receive(`g-${topic}`, topic, 100), values)
  },

  async codecs () {
    for (const acks of [0, 1, -1]) {
      for (const compression of ['none', 'gzip']) {
        const topic = `t-${compression}${acks}`
        await make(topic, 1)
        await send(topic, texts('v', 200), { acks, compression })
        assert.deepEqual(await receive('g', topic, 200), texts('v', 200))
      }
    }
    await make('idempotent', 1)
    await send('idempotent', texts('v', 100), { idempotent: true, acks: -1 })
  },

  async group () {
    await make('t', 4)
    await send('t', texts('a', 50))
    const got = new Set()
    let arrived
    const listen = async consumer => {
      const stream = await consumer.consume({ topics: ['t'], mode: 'committed', fallbackMode: 'earliest' })
      stream.on('data', message => { got.add(message.value); arrived?.() })
    }
    const reach = async n => {
      while (got.size < n) {
        await new Promise(resolve => { arrived = resolve })
      }
    }
    const first = member('g')
    await listen(first)
    await reach(50)
    const second = member('g')
    await listen(second)
    await send('t', texts('b', 50))
    await reach(100)
    await second.close(true)
    await send('t', texts('c', 50))
    await reach(150)
    await first.close(true)
  },

  async consumer () {
    await make('t', 4)
    await send('t', texts('v', 40))
    const got = await receive('g', 't', 40, { groupProtocol: 'consumer' })
    assert.deepEqual(got.sort(), texts('v', 40).sort())
  },

  async offsets () {
    await make('t', 1)
    await send('t', texts('v', 10))
    assert.deepEqual(await receive('g', 't', 4), texts('v', 4))
    await administer(async admin => {
      const [group] = await admin.listConsumerGroupOffsets({ groups: ['g'] })
      assert.equal(group.topics[0].partitions[0].committedOffset, 4n)
    })
    assert.deepEqual(await receive('g', 't', 6), texts('v', 10).slice(4))
  },

  async transactions () {
    await make('t', 1)
    const producer = new Producer(settings({ serializers: stringSerializers, transactionalId: 'tx', idempotent: true }))
    for (const [round, commit] of [[0, true], [1, false], [2, true]]) {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: texts(`${round}-`, 10).map(value => ({ topic: 't', value })) })
      await (commit ? transaction.commit() : transaction.abort())
    }
    await producer.close()
    const got = await receive('g', 't', 20, { isolationLevel: 1 })
    assert.deepEqual(got, [...texts('0-', 10), ...texts('2-', 10)])
  },

  // Any broker takes what only a controller did once.
  async admin () {
    for (const [i, broker] of env.BOOTSTRAP.split(',').entries()) {
      await administer(async admin => {
        const topic = `t${i}`
        await admin.createTopics({ topics: [topic], partitions: 2, replicas: 2 })
        await admin.createPartitions({ topics: [{ name: topic, count: 5 }] })
        assert.ok((await admin.listTopics()).includes(topic))
        const metadata = await admin.metadata({ topics: [topic] })
        assert.equal(metadata.topics.get(topic).partitionsCount, 5)
        assert.equal((await admin.listGroups()).size, 0)
        await admin.deleteTopics({ topics: [topic] })
      }, { bootstrapBrokers: [broker] })
    }
  }
}

await scenarios[process.argv[2]]()
