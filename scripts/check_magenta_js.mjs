// Loads checkpoints with the published client of magenta.js and writes its decodes and encodings.
//
//     node scripts/check_magenta_js.mjs FOLDER NODE_MODULES
//
// FOLDER has a folder for each case, with `model/`, a checkpoint, and `questions.json`: `latents` to decode greedily,
// `sequences` and `tensors` to encode, and `controls`. FOLDER is served over loopback, because the client fetches models.
// The answers are written to `answers.json` in each case. scripts/check_magenta_js.py asks and compares.

import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const [folder, modules] = process.argv.slice(2).map((name) => path.resolve(name));
const load = createRequire(path.join(modules, 'here.js'));
const tf = load('@tensorflow/tfjs');
const { MusicVAE } = load('@magenta/music/node/music_vae');
const { NoteSequence } = load('@magenta/music/node/protobuf');

const server = http.createServer((request, response) => {
  const file = path.join(folder, path.normalize(decodeURIComponent(request.url)));
  fs.readFile(file, (error, content) => {
    response.writeHead(error ? 404 : 200, { connection: 'close' });  // the client pauses to compute
    response.end(error ? 'not here' : content);
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const plain = (note) => [
  note.quantizedStartStep, note.quantizedEndStep, note.startTime, note.endTime,
  note.pitch, note.velocity, note.program, note.isDrum, note.instrument,
];

const rows = async (tensor) => (await (await tensor).array())[0];

async function answer(name) {
  const questions = JSON.parse(fs.readFileSync(path.join(folder, name, 'questions.json')));
  const model = new MusicVAE(`http://127.0.0.1:${server.address().port}/${name}/model`);
  await model.initialize();
  const controls = { ...questions.controls };
  if (controls.extraControls) {
    controls.extraControls = Object.fromEntries(
      Object.entries(controls.extraControls).map(([key, rows]) => [key, tf.tensor2d(rows)]));
  }
  const conditions = questions.controls ? controls : undefined;
  const z = tf.tensor2d(questions.latents);
  const decoded = await model.decode(z, undefined, conditions);
  const fromSongs = [], fromTensors = [];  // one at a time, as the client wants it of tracks
  for (const sequence of questions.sequences) {
    fromSongs.push(await rows(model.encode([NoteSequence.create(sequence)], conditions)));
  }
  for (const tensor of questions.tensors) {
    fromTensors.push(await rows(model.encodeTensors(tf.tensor3d([tensor]), conditions)));
  }
  const answers = {
    classes: await (await model.decodeTensors(z, undefined, conditions)).argMax(2).array(),
    fromSongs,
    fromTensors,
    notes: decoded.map((sequence) => sequence.notes.map(plain)),
  };
  if (model.dataConverter.SEGMENTED_BY_TRACK) {
    answers.echoes = [];
    for (const tensor of questions.tensors) {
      const sequence = await model.dataConverter.toNoteSequence(tf.tensor2d(tensor));
      answers.echoes.push(sequence.notes.map(plain));
    }
  }
  fs.writeFileSync(path.join(folder, name, 'answers.json'), JSON.stringify(answers));
  model.dispose();
}

for (const name of fs.readdirSync(folder).sort()) await answer(name);
server.close();
